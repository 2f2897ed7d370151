/** What a page shows where it has no data: yet, at all, or because of an error. */
import { html } from '../html.js';

/** @param {{ label?: string }} props */
export function Loading({ label = 'Reading …' }) {
  return html`<div class="state" role="status"><span class="spinner" aria-hidden="true"></span><p>${label}</p></div>`;
}

/** @param {{ title: string, children?: unknown }} props */
export function Empty({ title, children }) {
  return html`<div class="state"><h2>${title}</h2><p>${children}</p></div>`;
}

/** @param {{ error: import('../data/connection.js').AnswerError }} props */
export function Failed({ error }) {
  const title = error.status === 404 ? 'Not found' : error.status === 0 ? 'No answer' : 'This could not be read';
  return html`<div class="state failed" role="alert"><h2>${title}</h2><p>${error.message}</p>${error.remedy !== undefined && html`<p class="muted">${error.remedy}</p>`}</div>`;
}

/**
 * Shows what a reading has: its data, else its error, else that it is read. An error beside data is a line above it.
 * @template T
 * @param {import('../data/live.js').Live<T>} live
 * @param {(data: T) => unknown} show
 */
export function shownAs({ data, error }, show) {
  if (data === undefined) return error === undefined ? html`<${Loading} />` : html`<${Failed} error=${error} />`;
  if (error === undefined || error.status === 0 || error.status === 401) return show(data);
  return html`<p class="note warn" role="status">Not up to date: ${error.message}</p>${show(data)}`;
}

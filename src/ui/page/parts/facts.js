/** Headings and short facts of a page. */
import { html } from '../html.js';

/**
 * A page's heading with the way back.
 * @param {{ kind: string, name: string, trail?: readonly (readonly [string, string])[], children?: unknown }} props
 */
export function Heading({ kind, name, trail = [], children }) {
  document.title = `${name} · kubegauge`;
  return html`<div class="heading">
    ${trail.length > 0 && html`<nav class="trail" aria-label="Where this is">${trail.map(([label, href], index) => html`${index > 0 && html`<span aria-hidden="true">/</span>`}<a href=${href}>${label}</a>`)}</nav>`}
    <h1><span class="kind">${kind}</span> ${name}</h1>
    ${children !== undefined && html`<div class="facts">${children}</div>`}
  </div>`;
}

/** @param {{ name: string, children?: unknown }} props */
export function Fact({ name, children }) {
  return html`<span class="fact"><span class="muted">${name}</span> ${children}</span>`;
}

/** @param {{ level: 'ok' | 'warn' | 'bad' | 'plain', children?: unknown }} props */
export function Badge({ level, children }) {
  return html`<span class=${`badge ${level}`}>${children}</span>`;
}

/** Requests to the UI's server, and whether it answers. */
import { createStore } from './store.js';

/**
 * `lost`: no answer, and when that began. `ended`: the session's cookie is not taken any more.
 * @typedef {{ readonly state: 'live' | 'lost' | 'ended', readonly sinceMs: number }} Connection
 */

/** @type {Connection} */
const initial = { state: 'live', sinceMs: Date.now() };
export const connection = createStore(initial);

/** Milliseconds until a request is given up: the server says after 30 s that kube-apiserver is slow, which is no lost connection. */
export const requestTimeoutMs = 40_000;

/** What the server says is wrong, with the remedy if it names one. */
export class AnswerError extends Error {
  /** @param {number} status 0 without an answer. @param {string} message @param {string | undefined} remedy */
  constructor(status, message, remedy) {
    super(message);
    this.name = 'AnswerError';
    this.status = status;
    this.remedy = remedy;
  }
}

/**
 * Returns the error to show of a reading that failed. Others than AnswerErrors are mistakes of the page, or answers of another version of the server.
 * @param {unknown} error
 */
export function answerErrorOf(error) {
  if (error instanceof AnswerError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new AnswerError(500, `this page cannot use the answer: ${why}`, 'reload the page');
}

/**
 * Returns the JSON of a path relative to the page. The browser sends the ETag of what it has, so an answer that has not changed is read from its cache.
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<unknown>}
 * @throws {AnswerError}
 */
export async function getJson(path, signal) {
  const limits = [AbortSignal.timeout(requestTimeoutMs), ...(signal === undefined ? [] : [signal])];
  /** @type {Response} */
  let response;
  /** @type {unknown} */
  let answer;
  try {
    response = await fetch(path, { cache: 'no-cache', signal: AbortSignal.any(limits) });
    answer = await response.json();
  } catch (error) {
    if (signal?.aborted !== true) note('lost');
    throw new AnswerError(0, 'kubegauge ui does not answer', error instanceof Error ? error.message : undefined);
  }
  note(response.status === 401 ? 'ended' : 'live');
  if (response.ok) return answer;
  const { error, remedy } = /** @type {Partial<import('../../routes.ts').ErrorAnswer>} */ (answer ?? {});
  throw new AnswerError(response.status, error ?? `kubegauge ui answers ${response.status}`, remedy);
}

/** @param {Connection['state']} state */
function note(state) {
  if (connection.get().state !== state) connection.set({ state, sinceMs: Date.now() });
}

/** Answers that are read again and again while a component shows them. */
import { useEffect, useState } from 'preact/hooks';
import { AnswerError, getJson } from './connection.js';

/**
 * @template T
 * @typedef {object} Live
 * @property {T | undefined} data The last answer, also while a later request fails.
 * @property {AnswerError | undefined} error Of the last request.
 */

/** The last answers, so that a page that is opened again shows them at once. @type {Map<string, unknown>} */
const answers = new Map();
/** Seconds until a reading that failed is tried again. */
const retrySeconds = 3;
/** Answers that are kept; the one that was read first is dropped. */
const answerLimit = 64;

/**
 * Reads a path now and every so many seconds while the page is visible; undefined reads nothing.
 * @template T
 * @param {string | undefined} path
 * @param {number} [everySeconds]
 * @returns {Live<T>}
 */
export function useAnswer(path, everySeconds = 5) {
  return useReading(path, everySeconds, getJson);
}

/**
 * The same with a function that reads.
 * @template T
 * @param {string | undefined} key
 * @param {number} everySeconds
 * @param {(key: string, signal: AbortSignal, show: (data: unknown) => void) => Promise<unknown>} read
 * @returns {Live<T>}
 */
export function useReading(key, everySeconds, read) {
  const [shown, setShown] = useState(/** @type {{ key?: string, data?: unknown, error?: AnswerError }} */ ({}));
  useEffect(() => {
    if (key === undefined) return undefined;
    return repeat(everySeconds, async (signal) => {
      /** @param {unknown} data */
      const show = (data) => setShown({ key, data });
      try {
        const data = await read(key, signal, (part) => {
          if (!answers.has(key)) show(part);
        });
        if (signal.aborted) return true;
        keep(key, data);
        show(data);
        return true;
      } catch (error) {
        if (signal.aborted || !(error instanceof AnswerError)) return false;
        setShown({ key, data: answers.get(key), error });
        return false;
      }
    });
  }, [key, everySeconds, read]);
  const isOurs = key !== undefined && shown.key === key;
  const data = isOurs ? shown.data : key === undefined ? undefined : answers.get(key);
  return { data: /** @type {T | undefined} */ (data), error: isOurs ? shown.error : undefined };
}

/** @param {string} key @param {unknown} data */
function keep(key, data) {
  answers.delete(key);
  answers.set(key, data);
  const [oldest] = answers.keys();
  if (answers.size > answerLimit && oldest !== undefined) answers.delete(oldest);
}

/**
 * Runs a task now, and again so many seconds after it ends, sooner after a failure; not while the page is hidden.
 * @param {number} everySeconds
 * @param {(signal: AbortSignal) => Promise<boolean>} task Reports whether it succeeded.
 * @returns {() => void} Ends it.
 */
function repeat(everySeconds, task) {
  const stop = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isRunning = false;
  const run = async () => {
    if (isRunning || document.hidden || stop.signal.aborted) return;
    isRunning = true;
    clearTimeout(timer);
    const isRead = await task(stop.signal);
    isRunning = false;
    const seconds = isRead ? everySeconds : Math.min(retrySeconds, everySeconds);
    if (!stop.signal.aborted) timer = setTimeout(() => void run(), seconds * 1000);
  };
  const onVisible = () => void run();
  document.addEventListener('visibilitychange', onVisible);
  void run();
  return () => {
    stop.abort();
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', onVisible);
  };
}

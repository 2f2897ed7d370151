/** Answers that are read again and again while a component shows them. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { answerErrorOf, getJson } from './connection.js';

/** @import { AnswerError } from './connection.js' */

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
 * Reads a path now and every so many seconds while the page is visible; undefined reads nothing. Another interval leaves a running reading alone.
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
  const repetition = useRef(/** @type {Repetition | undefined} */ (undefined));
  useEffect(() => {
    if (key === undefined) return undefined;
    const own = repeat(everySeconds, async (signal) => {
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
        if (signal.aborted) return false;
        setShown({ key, data: answers.get(key), error: answerErrorOf(error) });
        return false;
      }
    });
    repetition.current = own;
    return () => {
      own.end();
      repetition.current = undefined;
    };
  }, [key, read]);
  useEffect(() => repetition.current?.setInterval(everySeconds), [everySeconds]);
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
 * @typedef {object} Repetition
 * @property {(everySeconds: number) => void} setInterval Counts from the end of the last run, also while it waits for the next one.
 * @property {() => void} end Aborts the run that goes on.
 */

/**
 * Runs a task now, and again so many seconds after it ends, sooner after a failure; not while the page is hidden.
 * @param {number} everySeconds
 * @param {(signal: AbortSignal) => Promise<boolean>} task Reports whether it succeeded.
 * @returns {Repetition}
 */
export function repeat(everySeconds, task) {
  const stop = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isRunning = false;
  let hasSucceeded = true;
  let endedMs = 0;
  let seconds = everySeconds;
  const schedule = () => {
    clearTimeout(timer);
    if (isRunning || stop.signal.aborted) return;
    const waitMs = (hasSucceeded ? seconds : Math.min(retrySeconds, seconds)) * 1000;
    timer = setTimeout(() => void run(), Math.max(0, endedMs + waitMs - performance.now()));
  };
  const run = async () => {
    if (isRunning || document.hidden || stop.signal.aborted) return;
    isRunning = true;
    clearTimeout(timer);
    hasSucceeded = await task(stop.signal);
    isRunning = false;
    endedMs = performance.now();
    schedule();
  };
  const onVisible = () => void run();
  document.addEventListener('visibilitychange', onVisible);
  void run();
  return {
    setInterval(next) {
      if (next === seconds) return;
      seconds = next;
      schedule();
    },
    end() {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisible);
    },
  };
}

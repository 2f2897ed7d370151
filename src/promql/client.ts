/** Sends queries to a PromQL engine, with deadlines, limits, retries and a circuit breaker. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { untilAborted } from '../abort.ts';
import { sendAuthorized } from '../client/authorizedsend.ts';
import { ConnectionPool } from '../client/connectionpool.ts';
import type { Dispatcher } from '../client/undici.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Resolve } from '../dns/address.ts';
import { Lookups } from '../dns/lookup.ts';
import { keepSecret } from '../foreigntext.ts';
import { userAgent } from '../version.ts';
import type { SentAnswer } from './answer.ts';
import { readQueryBody, readSeriesBody, type SeriesAnswer, type SeriesFold } from './answerbodies.ts';
import { type AnswerLimits, queryLimits, seriesLimits } from './answerlimits.ts';
import { readErrorBody } from './answerreader.ts';
import { Breakers, StoppedError } from './breakers.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import type { PromqlEngine } from './engine.ts';
import { exchangeError, lateError, queuedError, statusError } from './explainanswer.ts';
import { type Flow, listing } from './flow.ts';
import { isOverloaded, isTransient, PromqlError } from './promqlerror.ts';
import type { PromqlMetrics } from './promqlmetrics.ts';
import { writeRequest, type WrittenRequest } from './promqlrequest.ts';
import { RequestSlots, slotLimit } from './requestslots.ts';

/** Milliseconds until the last byte. */
const defaultDeadlineMs = 30_000;
/** Milliseconds until the last byte of a list that a server makes: no client waits for it, and engines with many series are slow. */
export const serverListDeadlineMs = 120_000;
/** Milliseconds that a list waits for earlier ones; 60 lists that each take a server's deadline are done by then. */
const defaultListWaitMs = 1_200_000;
/** Milliseconds, TLS included. */
const connectTimeoutMs = 5_000;
/** Tries of a GET beside the first one. */
const retryLimit = 2;
/** Statuses of a proxy that lets only GET through. */
const postRefusals: ReadonlySet<number | undefined> = new Set([403, 405, 501]);
/** Milliseconds for which long URLs are then sent by GET. */
const postRefusedMs = 600_000;
/** Milliseconds before the first retry; doubled before the next, with jitter. */
const retryPauseMs = 100;

export interface QueryRequest {
  readonly query: string;
  /** Evaluation time since the epoch; the engine's own if it is not given. */
  readonly timeMs?: number | undefined;
  /** The sender, such as a rule: its timeouts stop its own requests only. */
  readonly subject: string;
  readonly flow: Flow;
}

export interface SeriesRequest {
  readonly match: string;
  /** Since the epoch. */
  readonly startMs: number;
  readonly subject: string;
}

/** Every method throws PromqlError, or the signal's reason after its abort, which also ends the query at the engine. */
export interface PromqlClient extends AsyncDisposable {
  readonly engine: PromqlEngine;
  query(request: QueryRequest, signal: AbortSignal): Promise<SentAnswer>;
  series<T>(request: SeriesRequest, fold: () => SeriesFold<T>, signal: AbortSignal): Promise<SeriesAnswer<T>>;
}

export interface PromqlClientOptions {
  readonly engine: PromqlEngine;
  readonly resolve: Resolve;
  readonly metrics?: PromqlMetrics | undefined;
  readonly clock?: Clock;
  /** From 0 to below 1. */
  readonly random?: () => number;
  /** Milliseconds that a query may take, its wait for earlier ones included. */
  readonly deadlineMs?: number;
  /** Milliseconds that a list of series may take from its send; default: as a query. */
  readonly listDeadlineMs?: number;
  readonly listWaitMs?: number;
  /** Sends exactly prometheus-adapter's requests: no POST for long URLs, an empty timeout. */
  readonly asAdapter?: boolean;
  /** For tests. */
  readonly limits?: { readonly query: AnswerLimits; readonly series: AnswerLimits };
}

export function createPromqlClient(options: PromqlClientOptions): PromqlClient {
  return new HttpPromqlClient(options);
}

interface Exchange<T> {
  readonly endpoint: string;
  readonly subject: string;
  readonly flow: Flow;
  readonly request: WrittenRequest;
  readonly read: (body: Readable) => Promise<T>;
}

class HttpPromqlClient implements PromqlClient {
  readonly engine: PromqlEngine;
  readonly #options: PromqlClientOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #deadlineMs: number;
  readonly #listDeadlineMs: number;
  readonly #listWaitMs: number;
  readonly #limits: { readonly query: AnswerLimits; readonly series: AnswerLimits };
  readonly #lookups: Lookups;
  readonly #pool: ConnectionPool;
  readonly #breakers: Breakers;
  readonly #slots = new RequestSlots();
  /** Monotonic. */
  #postRefusedUntilMs = -Infinity;

  constructor(options: PromqlClientOptions) {
    const { engine, resolve, clock = systemClock, random = Math.random, deadlineMs = defaultDeadlineMs } = options;
    this.engine = engine;
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#deadlineMs = deadlineMs;
    this.#listDeadlineMs = options.listDeadlineMs ?? deadlineMs;
    this.#listWaitMs = options.listWaitMs ?? defaultListWaitMs;
    this.#limits = options.limits ?? { query: queryLimits, series: seriesLimits };
    this.#lookups = new Lookups(resolve, connectTimeoutMs);
    this.#pool = new ConnectionPool(engine.access, {
      lookups: this.#lookups,
      connectTimeoutMs,
      // Requests wait for a slot, not for a connection.
      connections: slotLimit,
    });
    this.#breakers = new Breakers({ clock, random });
  }

  query({ query, timeMs, subject, flow }: QueryRequest, signal: AbortSignal): Promise<SentAnswer> {
    const asAdapter = this.#options.asAdapter === true;
    const parameters: [string, string][] = [['query', query]];
    if (timeMs !== undefined) parameters.push(['time', secondsText(timeMs)]);
    parameters.push(['timeout', asAdapter ? '' : `${this.#deadlineMs}ms`]);
    const read = (body: Readable) => readQueryBody(body, this.#limits.query);
    return this.#ask({ endpoint: 'query', subject, flow, read }, parameters, signal);
  }

  series<T>(
    { match, startMs, subject }: SeriesRequest,
    fold: () => SeriesFold<T>,
    signal: AbortSignal,
  ): Promise<SeriesAnswer<T>> {
    const parameters: [string, string][] = [
      ['match[]', match],
      ['start', secondsText(startMs)],
    ];
    const read = (body: Readable) => readSeriesBody(body, this.#limits.series, fold());
    return this.#ask({ endpoint: 'series', subject, flow: listing, read }, parameters, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lookups.abort();
    await this.#pool.destroy();
  }

  /** Sends a long URL by GET, too, where a proxy refuses it as POST: prometheus-adapter sends no POST by itself. */
  async #ask<T>(
    exchange: Omit<Exchange<T>, 'request'>,
    parameters: readonly (readonly [string, string])[],
    signal: AbortSignal,
  ): Promise<T> {
    const write = (mayPost: boolean) => writeRequest(this.engine, exchange.endpoint, parameters, mayPost);
    const mayPost = this.#options.asAdapter !== true && this.#clock.monotonicMs() >= this.#postRefusedUntilMs;
    const request = write(mayPost);
    try {
      return await this.#run({ ...exchange, request }, signal);
    } catch (error) {
      const isOwnPost = request.method === 'POST' && this.engine.verb === 'GET';
      if (!isOwnPost || !(error instanceof PromqlError) || !postRefusals.has(error.code)) throw error;
    }
    const answer = await this.#run({ ...exchange, request: write(false) }, signal);
    this.#postRefusedUntilMs = this.#clock.monotonicMs() + postRefusedMs;
    return answer;
  }

  /**
   * A caller waits for a query, so its deadline counts from here. Lists only wait for each other: the deadline of one
   * counts from the send, else the last of many would fail at a slow engine without being sent.
   */
  async #run<T>(exchange: Exchange<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    this.#breakers.check(exchange.subject, exchange.flow);
    const isList = exchange.flow.lane === 'lists';
    using wait = this.#startDeadline(isList ? this.#listWaitMs : this.#deadlineMs, signal);
    const release = await this.#takeSlot(exchange.flow, signal, wait);
    try {
      using deadline = isList ? this.#startDeadline(this.#listDeadlineMs, signal) : wait;
      return await this.#tryUntil(exchange, signal, deadline);
    } finally {
      release();
    }
  }

  #startDeadline(limitMs: number, signal: AbortSignal): Deadline {
    return startDeadline(limitMs, signal, () => lateError(this.engine, limitMs));
  }

  async #takeSlot(flow: Flow, signal: AbortSignal, wait: Deadline): Promise<() => void> {
    try {
      return await this.#slots.take(flow, wait.signal);
    } catch (error) {
      signal.throwIfAborted();
      throw queuedError(this.engine, flow, wait.limitMs, error);
    }
  }

  /** All tries share the deadline. */
  async #tryUntil<T>(exchange: Exchange<T>, signal: AbortSignal, deadline: Deadline): Promise<T> {
    const ended = deadline.signal;
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.#try(exchange, signal, deadline);
      } catch (error) {
        if (tries >= retryLimit || !mayRetry(exchange, error)) throw error;
      }
      const pauseMs = retryPauseMs * 2 ** tries * (0.5 + this.#random());
      await sleep(pauseMs, undefined, { signal: ended }).catch(() => ended.throwIfAborted());
    }
  }

  async #try<T>(exchange: Exchange<T>, signal: AbortSignal, { signal: ended, limitMs }: Deadline): Promise<T> {
    const passage = this.#breakers.pass(exchange.subject, exchange.flow);
    const beganMs = this.#clock.monotonicMs();
    const observe = (outcome: string) =>
      this.#options.metrics?.observe(this.engine.name, exchange.endpoint, outcome, this.#clock.monotonicMs() - beganMs);
    try {
      const answer = await this.#exchange(exchange, ended);
      passage.succeeded();
      observe('success');
      return answer;
    } catch (error) {
      if (signal.aborted) {
        passage.abandoned();
        observe('aborted');
        throw signal.reason;
      }
      const explained = ended.aborted ? lateError(this.engine, limitMs, error) : exchangeError(this.engine, error);
      passage.failed(explained);
      observe(explained.problem);
      throw explained;
    }
  }

  async #exchange<T>(exchange: Exchange<T>, ended: AbortSignal): Promise<T> {
    const { statusCode, headers, body } = await sendAuthorized(this.engine.access, ended, (authorization) =>
      this.#send(exchange.request, authorization, ended),
    );
    if (statusCode >= 200 && statusCode < 300) return exchange.read(body);
    const location = [headers['location'] ?? []].flat()[0];
    throw statusError(this.engine, statusCode, await readErrorBody(body), location);
  }

  #send(
    { method, path, body }: WrittenRequest,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    for (const secret of [authorization, ...this.engine.secrets]) keepSecret(secret);
    const response = this.#pool.current().request({
      method,
      path,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        'user-agent': userAgent,
        ...(authorization === undefined ? {} : { authorization }),
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...this.engine.headers,
      },
      body: body ?? null,
      signal,
      // The deadline replaces undici's timers.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    // undici checks the signal only after it has a connection.
    return untilAborted(response, signal);
  }
}

/** A POST is not retried: proxies and engines do not count it as safe. */
function mayRetry({ request }: Exchange<unknown>, error: unknown): boolean {
  if (request.method !== 'GET' || !(error instanceof PromqlError)) return false;
  return isTransient(error) && error.problem !== 'late' && !isOverloaded(error) && !(error instanceof StoppedError);
}

/** As prometheus-adapter, with milliseconds. */
function secondsText(ms: number): string {
  return (Math.round(ms) / 1_000).toFixed(3);
}

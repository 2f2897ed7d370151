/** Follows one APIService by GET and watch, the only verbs besides patch that our ServiceAccount has for it. */
import { StatusError } from '../apimachinery/status.ts';
import { field, text } from '../client/json.ts';
import { recentOutageMs } from '../client/outage.ts';
import type { RestClient } from '../client/rest.ts';
import { openWatch, watchTimeoutSeconds } from '../client/watch.ts';
import { backoffMs, isOutage, keepsVersion, longestOutagePauseMs } from '../client/watchretry.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { readApiService } from './apiserviceview.ts';

const collection = '/apis/apiregistration.k8s.io/v1/apiservices';
/** Until the next read after a denial, in milliseconds: as often as informers list. The component with the right may be applied later. */
export const deniedReadRetryMs = 30_000;

/** Distinguishes a missing right from what a kube-apiserver that has just started denies for a moment. */
export class Denials {
  #sinceMs: number | undefined;

  /** Call it with each 403. Reports whether they have lasted for longer than a start explains. */
  areSure(nowMs: number): boolean {
    this.#sinceMs ??= nowMs;
    return nowMs - this.#sinceMs >= recentOutageMs;
  }

  /** Call it after a success. */
  end(): void {
    this.#sinceMs = undefined;
  }
}

export function apiServicePath(name: string): string {
  return `${collection}/${encodeURIComponent(name)}`;
}

/** The last observation of the object. */
export type Observed =
  | { readonly kind: 'present'; readonly object: unknown }
  | { readonly kind: 'absent' }
  /** Our ServiceAccount may not read it. A kube-apiserver that starts denies valid rights, so denials count once they last. */
  | { readonly kind: 'denied' };

export interface WatchedApiServiceOptions {
  readonly rest: RestClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly name: string;
  readonly onChange: (observed: Observed) => void;
  /** Called before each GET; the function that it returns gets the response. */
  readonly beginRead: () => (observed: Observed) => void;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** Reports the object and each change until the signal aborts; then resolves. Never rejects. */
export async function watchApiService(options: WatchedApiServiceOptions, signal: AbortSignal): Promise<void> {
  const { rest, clock, log, name, onChange, random } = options;
  /** The resourceVersion to watch from; undefined if a GET is needed. */
  let version: string | undefined;
  let idleTries = 0;
  const denials = new Denials();
  let isFailing = false;
  while (!signal.aborted) {
    const startedMs = clock.monotonicMs();
    let pauseMs = backoffMs(idleTries, random());
    try {
      version ??= await read(options, signal);
      denials.end();
      await follow();
      // A watch from a version that a restore of etcd has taken back reports nothing, so each one begins with a GET.
      version = undefined;
    } catch (error) {
      if (signal.aborted) return;
      if (isOutage(error, rest.outage, clock.monotonicMs() - startedMs)) {
        pauseMs = Math.min(pauseMs, longestOutagePauseMs);
      }
      // Where only the watch is denied, the GET is repeated.
      const is403 = version === undefined && error instanceof StatusError && error.code === 403;
      const isDenied = is403 && denials.areSure(startedMs);
      if (!is403) denials.end();
      if (is403 && !isDenied) pauseMs = Math.min(pauseMs, longestOutagePauseMs);
      if (isDenied) {
        onChange({ kind: 'denied' });
        pauseMs = deniedReadRetryMs;
      }
      if (!keepsVersion(error)) version = undefined;
      if (!isFailing && !is403)
        log.warn(
          { code: 'WatchFails', apiService: name, err: error },
          'cannot watch the APIService; retries until it works',
        );
      isFailing = isFailing || !is403;
    }
    await clock.sleep(pauseMs, signal).catch(() => undefined);
    idleTries += 1;
  }

  async function follow(): Promise<void> {
    const events = await openWatch(rest, collection, {
      query: { fieldSelector: `metadata.name=${name}` },
      accept: 'application/json',
      resourceVersion: version ?? '',
      timeoutSeconds: watchTimeoutSeconds(random()),
      signal,
    });
    isFailing = false;
    for await (const event of events) {
      if (event.type === 'GONE') return;
      idleTries = 0;
      version = event.resourceVersion;
      if (event.type === 'DELETED') onChange({ kind: 'absent' });
      else if (event.type !== 'BOOKMARK') onChange({ kind: 'present', object: event.object });
    }
  }
}

/** @returns the object's version; empty for an absent object: a watch from there begins with what exists. */
async function read({ rest, name, beginRead }: WatchedApiServiceOptions, signal: AbortSignal): Promise<string> {
  const onRead = beginRead();
  try {
    const object = await rest.get(apiServicePath(name), { signal });
    onRead({ kind: 'present', object });
    return text(field(field(object, 'metadata'), 'resourceVersion')) ?? '';
  } catch (error) {
    if (!(error instanceof StatusError) || error.code !== 404) throw error;
    onRead({ kind: 'absent' });
    return '';
  }
}

export function isInsecure(observed: Observed | undefined): boolean {
  return observed?.kind === 'present' && readApiService(observed.object).insecure;
}

/** Reports whether an object is older than the one we have: a watch may lag behind the response of our patch. */
export function isOlder(next: Observed, current: Observed | undefined): boolean {
  if (next.kind !== 'present' || current?.kind !== 'present') return false;
  if (uidOf(next.object) !== uidOf(current.object)) return false;
  const [a, b] = [versionOf(next.object), versionOf(current.object)];
  return a !== undefined && b !== undefined && a < b;
}

function uidOf(object: unknown): string | undefined {
  return text(field(field(object, 'metadata'), 'uid'));
}

/** Undefined unless it is a number, as KEP-5504 promises since Kubernetes 1.35. */
function versionOf(object: unknown): bigint | undefined {
  const version = text(field(field(object, 'metadata'), 'resourceVersion')) ?? '';
  return /^\d{1,20}$/.test(version) ? BigInt(version) : undefined;
}

/** Follows one APIService by GET and watch, the only verbs besides patch that our ServiceAccount has for it. */
import { StatusError } from '../apimachinery/status.ts';
import { field, text } from '../client/json.ts';
import { recentOutageMs } from '../client/outage.ts';
import type { RestClient } from '../client/rest.ts';
import { openWatch } from '../client/watch.ts';
import { backoffMs, isOutage, keepsVersion, longestOutagePauseMs } from '../client/watchretry.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';

const collection = '/apis/apiregistration.k8s.io/v1/apiservices';
/** A watch lasts from five to ten minutes, as client-go's do. */
const watchSeconds = 300;
/** Until the next try after a 403, in milliseconds. */
export const deniedRetryMs = 5 * 60_000;

export function apiServicePath(name: string): string {
  return `${collection}/${encodeURIComponent(name)}`;
}

/** What is known of the object. */
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
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** Reports the object and each change until the signal aborts; then resolves. Never rejects. */
export async function watchApiService(options: WatchedApiServiceOptions, signal: AbortSignal): Promise<void> {
  const { rest, clock, log, name, onChange, random } = options;
  /** The resourceVersion to watch from; undefined if a GET is needed. */
  let version: string | undefined;
  let idleTries = 0;
  let isFailing = false;
  let deniedSinceMs: number | undefined;
  while (!signal.aborted) {
    const startedMs = clock.monotonicMs();
    let pauseMs = backoffMs(idleTries, random());
    try {
      version ??= await read(options, signal);
      deniedSinceMs = undefined;
      await follow();
    } catch (error) {
      if (signal.aborted) return;
      if (isOutage(error, rest.outage, clock.monotonicMs() - startedMs)) {
        pauseMs = Math.min(pauseMs, longestOutagePauseMs);
      }
      // Where only the watch is denied, the GET is repeated.
      const isDenied = version === undefined && error instanceof StatusError && error.code === 403;
      deniedSinceMs = isDenied ? (deniedSinceMs ?? clock.monotonicMs()) : undefined;
      if (deniedSinceMs !== undefined) {
        const isLasting = clock.monotonicMs() - deniedSinceMs >= recentOutageMs;
        if (isLasting) onChange({ kind: 'denied' });
        pauseMs = isLasting ? deniedRetryMs : longestOutagePauseMs;
      }
      if (!keepsVersion(error)) version = undefined;
      if (!isFailing && !isDenied)
        log.warn({ apiService: name, err: error }, 'cannot watch the APIService; retries until it works');
      isFailing = true;
    }
    await clock.sleep(pauseMs, signal).catch(() => undefined);
    idleTries += 1;
  }

  async function follow(): Promise<void> {
    const events = await openWatch(rest, collection, {
      query: { fieldSelector: `metadata.name=${name}` },
      accept: 'application/json',
      resourceVersion: version ?? '',
      timeoutSeconds: Math.round(watchSeconds * (1 + random())),
      signal,
    });
    isFailing = false;
    for await (const event of events) {
      if (event.type === 'GONE') {
        version = undefined;
        return;
      }
      idleTries = 0;
      version = event.resourceVersion;
      if (event.type === 'DELETED') onChange({ kind: 'absent' });
      else if (event.type !== 'BOOKMARK') onChange({ kind: 'present', object: event.object });
    }
  }
}

/** @returns the object's version; empty for an absent object: a watch from there begins with what exists. */
async function read({ rest, name, onChange }: WatchedApiServiceOptions, signal: AbortSignal): Promise<string> {
  try {
    const object = await rest.get(apiServicePath(name), { signal });
    onChange({ kind: 'present', object });
    return text(field(field(object, 'metadata'), 'resourceVersion')) ?? '';
  } catch (error) {
    if (!(error instanceof StatusError) || error.code !== 404) throw error;
    onChange({ kind: 'absent' });
    return '';
  }
}

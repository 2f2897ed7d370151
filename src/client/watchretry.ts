/** Decides when an informer retries, and whether it lists again. */
import { StatusError } from '../apimachinery/status.ts';
import { isBrokenConnection, isUnreachable } from './connectionerrors.ts';
import type { Outage } from './outage.ts';
import { MalformedEventError, SilentWatchError } from './watch.ts';

const backoffFloorMs = 500;
const backoffCeilingMs = 30_000;
/** While the server is away or starts. */
export const longestOutagePauseMs = 1_000;

/**
 * Returns 0.5 to 30 s, exponential, with jitter of up to 100 %.
 * @param tries without success.
 * @param random from 0 to below 1.
 */
export function backoffMs(tries: number, random: number): number {
  return Math.min(backoffFloorMs * 2 ** tries * (1 + random), backoffCeilingMs);
}

/** Excludes a list that breaks after a while: it would be repeated each second. */
export function isOutage(error: unknown, outage: Outage, tookMs: number): boolean {
  if (isUnreachable(error)) return true;
  if (!outage.isRecent()) return false;
  return error instanceof StatusError || (isBrokenConnection(error) && tookMs < longestOutagePauseMs);
}

/** Returns false if a server may have lost the version, as by a restore of etcd. */
export function keepsVersion(error: unknown): boolean {
  if (error instanceof StatusError) return error.code === 429 || error.code === 503;
  return !(error instanceof MalformedEventError || error instanceof SilentWatchError);
}

/** Reports whether the resourceVersion has expired, which is no failure. */
export function isExpired(error: unknown): boolean {
  return error instanceof StatusError && error.code === 410;
}

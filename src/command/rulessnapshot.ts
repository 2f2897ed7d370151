/** Keeps last values of rules over a restart, in a file of its own: kubelets' samples do not depend on it. */
import { scryptSync } from 'node:crypto';
import type { Options } from '../options/flags.ts';
import type { PrometheusSettings } from '../options/prometheussettings.ts';
import type { RulesSnapshot } from '../prometheussource/rulessnapshot.ts';
import { createSnapshotKeeper, type SnapshotKeeper, type SnapshotOptions } from './snapshotfile.ts';

/** Bytes: 200,000 values take 15 MB. Values of users and strangers are left out first. */
export const rulesLimitBytes = 50 * 1024 * 1024;
/** A container that is killed loses the values of so long; one that ends, none. */
const rulesEveryMs = 30_000;
/** Milliseconds between writes of many values, which take longer; well below the usual `--metrics-max-age`. */
const rulesPauseMs = 120_000;

export function createRulesSnapshotKeeper(
  { saved, restore }: RulesSnapshot,
  maxAgeMs: number,
  { options, nodes, clock, log }: Pick<SnapshotOptions, 'nodes' | 'clock' | 'log'> & { readonly options: Options },
): SnapshotKeeper {
  const path = options['snapshot-path'];
  return createSnapshotKeeper({
    path: path === undefined ? undefined : `${path}.rules`,
    storage: undefined,
    addition: { saved, restore, forget: () => undefined },
    nodes,
    intervalMs: rulesEveryMs,
    longestPauseMs: rulesPauseMs,
    limitBytes: rulesLimitBytes,
    oldestMs: maxAgeMs,
    clock,
    log,
  });
}

/** 10 ms, once or twice in a process. */
const cost = { N: 4096 };
const digestBytes = 32;

/** Returns a function that hashes all that chooses the engines and the tenants of their answers. URLs and headers may have passwords. */
export function enginesDigest(engines: readonly PrometheusSettings[], asAdapter: boolean): (salt: string) => string {
  const text = JSON.stringify([asAdapter, engines]);
  return (salt) => scryptSync(text, salt, digestBytes, cost).toString('base64url');
}

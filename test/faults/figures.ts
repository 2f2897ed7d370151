/** Turns what was seen of a server into what a fault has cost its clients; pure. */
import type { Reading, Sight } from './sight.ts';
import type { Truth, Usage } from './truth.ts';

export interface Figures {
  /** Seconds without the faulty nodes or any of their pods; absent where no node is faulty. */
  readonly ownAwaySeconds?: number;
  /** Seconds without any of the others; absent where there are none. */
  readonly othersAwaySeconds?: number;
  /** How much older than before the fault the healthy nodes' data became. */
  readonly othersOlderSeconds?: number;
  /** Seconds with a value that is not the true one. */
  readonly wrongSeconds: number;
  readonly notReadySeconds: number;
  readonly residentBeforeMegabytes: number;
  readonly residentPeakMegabytes: number;
  readonly residentAfterMegabytes: number;
}

export interface Question {
  /** In their order; those before fromMs are how it was without the fault. */
  readonly sights: readonly Sight[];
  readonly fromMs: number;
  readonly truth: Truth;
  readonly faulty: ReadonlySet<string>;
}

export function figuresOf({ sights, fromMs, truth, faulty }: Question): Figures {
  const before = sights.filter(({ atMs }) => atMs < fromMs);
  const during = sights.filter(({ atMs }) => atMs >= fromMs);
  const own = part(truth, (node) => faulty.has(node));
  const others = part(truth, (node) => !faulty.has(node));
  const resident = sights.map(({ residentBytes }) => residentBytes / 1e6);
  return {
    ...(own.nodes.length === 0 ? {} : { ownAwaySeconds: secondsOf(during, (sight) => !isWhole(sight, own)) }),
    ...(others.nodes.length === 0
      ? {}
      : {
          othersAwaySeconds: secondsOf(during, (sight) => !isWhole(sight, others)),
          othersOlderSeconds: Math.max(
            0,
            ...others.nodes.map(({ name }) => (oldestMs(during, name) - oldestMs(before, name)) / 1000),
          ),
        }),
    wrongSeconds: secondsOf(during, (sight) => wrongValues(sight, truth).length > 0),
    notReadySeconds: secondsOf(during, ({ ready }) => !ready),
    residentBeforeMegabytes: Math.max(0, ...before.map(({ residentBytes }) => residentBytes / 1e6)),
    residentPeakMegabytes: Math.max(0, ...resident),
    residentAfterMegabytes: resident.at(-1) ?? 0,
  };
}

/** Whether all of the truth is there, every pod with all of its containers. */
export function isWhole({ nodes, pods }: Sight, truth: Truth): boolean {
  return (
    truth.nodes.every(({ name }) => nodes?.has(name) === true) &&
    truth.pods.every(({ key, containers }) => {
      const usages = pods?.get(key)?.usages;
      return containers.every(({ name }) => usages?.has(name) === true);
    })
  );
}

/** Returns what is reported and wrong, in words. */
export function wrongValues({ nodes, pods }: Sight, truth: Truth): string[] {
  return [
    ...truth.nodes.flatMap((usage) => wrongIn(`node ${usage.name}`, nodes?.get(usage.name), [{ ...usage, name: '' }])),
    ...truth.pods.flatMap(({ key, containers }) => wrongIn(`pod ${key}`, pods?.get(key), containers)),
  ];
}

function wrongIn(what: string, reading: Reading | undefined, expected: readonly Usage[]): string[] {
  return expected.flatMap(({ name, cores, memoryBytes }) => {
    const reported = reading?.usages.get(name);
    if (reported === undefined || (isNear(reported.cores, cores) && isNear(reported.memoryBytes, memoryBytes)))
      return [];
    return `${what} ${name}: ${reported.cores} cores and ${reported.memoryBytes} bytes instead of ${cores} and ${memoryBytes}`;
  });
}

/** A per mille: counters have a resolution, and times are in milliseconds. */
function isNear(reported: number, expected: number): boolean {
  return Math.abs(reported - expected) <= expected / 1000;
}

/** A look stands for the time until the next one. */
function secondsOf(sights: readonly Sight[], holds: (sight: Sight) => boolean): number {
  let ms = 0;
  sights.forEach((sight, index) => {
    if (holds(sight)) ms += (sights[index + 1]?.atMs ?? sight.atMs) - sight.atMs;
  });
  return ms / 1000;
}

/** The greatest age at which the node's data was seen. */
function oldestMs(sights: readonly Sight[], node: string): number {
  return Math.max(
    0,
    ...sights.flatMap(({ atMs, nodes }) => {
      const reading = nodes?.get(node);
      return reading === undefined ? [] : atMs - reading.timestampMs;
    }),
  );
}

function part({ nodes, pods }: Truth, of: (node: string) => boolean): Truth {
  return { nodes: nodes.filter(({ name }) => of(name)), pods: pods.filter(({ node }) => of(node)) };
}

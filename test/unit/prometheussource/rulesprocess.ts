/** A process's rules: stores of last values, lists of series, and the snapshot of both. */
import type { ExternalSample, MetricSample } from '../../../src/metricsource/source.ts';
import type { Usage } from '../../../src/sample/point.ts';
import { LastValuesByLane } from '../../../src/prometheussource/lastvaluesbylane.ts';
import { createRulesSnapshot } from '../../../src/prometheussource/rulessnapshot.ts';
import { linesOfList, readLists, type SavedList } from '../../../src/prometheussource/savedlists.ts';
import { SavedValues } from '../../../src/prometheussource/savedvalues.ts';
import {
  externalSampleCodec,
  type KeptPod,
  metricSampleCodec,
  podCodec,
  usageCodec,
} from '../../../src/prometheussource/valuecodecs.ts';
import { createFakeClock } from '../../fakes/clock.ts';

export const maxAgeMs = 60_000;

/** The stores of one process. */
export function createProcess({ clock = createFakeClock(), engines = 'main' } = {}) {
  const custom = new LastValuesByLane<MetricSample>(clock, maxAgeMs, undefined, metricSampleCodec.createColumn);
  const external = new LastValuesByLane<ExternalSample>(clock, maxAgeMs);
  const pods = new LastValuesByLane<KeptPod>(clock, maxAgeMs, ({ usage }) => usage.containers.length);
  const nodes = new LastValuesByLane<Usage>(clock, maxAgeMs);
  const values = new SavedValues();
  values.add('custom', metricSampleCodec, custom);
  values.add('external', externalSampleCodec, external);
  values.add('nodes', usageCodec, nodes);
  values.add('pods', podCodec, pods);
  let lists: ReadonlyMap<string, SavedList> = new Map();
  const snapshot = createRulesSnapshot({
    lists: {
      *saved() {
        for (const [key, list] of lists) yield* linesOfList(key, list);
      },
      read(lines) {
        const read = readLists(lines);
        return () => (lists = read);
      },
    },
    values,
    enginesDigest: (salt) => `${engines} ${salt}`,
    newSalt: () => 'salt',
    onLists: () => undefined,
  });
  return {
    clock,
    custom,
    external,
    pods,
    nodes,
    snapshot,
    lists: () => lists,
    setLists: (next: typeof lists) => void (lists = next),
    /** As the file has them. */
    lines: (limitBytes = 1_000_000): readonly unknown[] =>
      [...snapshot.saved(limitBytes)].map(({ text }): unknown => JSON.parse(text)),
  };
}

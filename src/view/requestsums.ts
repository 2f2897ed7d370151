/** Sums what pods request by node. Pods of a large cluster are tens of MB, of which only the sums are kept. */
import { field, text } from '../client/json.ts';
import type { Clock } from '../clock.ts';
import { hasEnded } from '../doctor/pods/podfacts.ts';
import type { Reads } from './reads.ts';
import { part, type PartRead } from './part.ts';
import { limitedTo, reservedFor, type ResourceName, resourceNames } from './resources.ts';
import { shared } from './shared.ts';

export interface NodeSums {
  pods: number;
  readonly requested: Record<ResourceName, number>;
  readonly limits: Record<ResourceName, number>;
}

/** By node name. */
export type RequestSums = ReadonlyMap<string, NodeSums>;

const podsPerPage = 500;

export interface RequestSumReader {
  /**
   * Returns the sums; undefined while more than a page of pods is read for the first time, unless it waits for them. After a failure, the
   * last known good value beside the problem.
   * @param others what is shown beside the sums: it is read before the second page of pods, which take the most time.
   */
  current(others: Promise<unknown>): Promise<PartRead<RequestSums | undefined>>;
  /** Resolves when all pods have been read once, or cannot be. */
  readonly firstRead: Promise<void>;
}

/** @param waits whether the first call waits for all pages. A reader that is called once would never see the sums. */
export function createRequestSums(reads: Reads, clock: Clock, waits: boolean): RequestSumReader {
  let last: RequestSums | undefined;
  let firstPage: Promise<unknown> = Promise.resolve();
  let before: Promise<unknown> = Promise.resolve();
  const firstRead = Promise.withResolvers<void>();
  /** The latest read that is not pending. */
  let ended: Promise<unknown> = Promise.resolve();
  const read = shared(
    () => {
      const onePage = Promise.withResolvers<void>();
      firstPage = onePage.promise;
      const whole = readAll(onePage.resolve);
      // A caller that does not wait for all of it learns of a failure by the next call.
      const onEnd = () => {
        ended = whole;
        onePage.resolve();
        firstRead.resolve();
      };
      whole.then(onEnd, onEnd);
      return whole;
    },
    { clock, leastMs: 15_000, mostMs: 300_000 },
  );
  return {
    firstRead: firstRead.promise,
    async current(others) {
      before = others;
      const whole = read();
      if (last === undefined) return part(waits ? whole : Promise.race([whole, firstPage.then(() => last)]));
      const { problem } = await part(ended);
      return { value: last, problem };
    },
  };

  async function readAll(onFirstPage: () => void): Promise<RequestSums> {
    const sums = new Map<string, NodeSums>();
    let isFirst = true;
    for await (const pods of reads.pages('list pods in all namespaces', '/api/v1/pods', podsPerPage)) {
      for (const pod of pods) addPod(sums, pod);
      // A page that is not full is the last one, which ends the read at once.
      if (isFirst && pods.length >= podsPerPage) {
        onFirstPage();
        await before.catch(() => undefined);
      }
      isFirst = false;
    }
    last = sums;
    return sums;
  }
}

function addPod(sums: Map<string, NodeSums>, pod: unknown): void {
  const spec = field(pod, 'spec');
  const node = text(field(spec, 'nodeName')) ?? '';
  if (node === '' || hasEnded({ phase: text(field(field(pod, 'status'), 'phase')) ?? '' })) return;
  const sum = sums.get(node) ?? { pods: 0, requested: { cpu: 0, memory: 0 }, limits: { cpu: 0, memory: 0 } };
  sums.set(node, sum);
  sum.pods += 1;
  for (const resource of resourceNames) {
    sum.requested[resource] += reservedFor(spec, resource);
    sum.limits[resource] += limitedTo(spec, resource) ?? 0;
  }
}

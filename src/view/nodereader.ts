/** Reads nodes: Node objects, their usages, and what their pods request. */
import type { Clock } from '../clock.ts';
import { AbsentNodes } from './absentnodes.ts';
import { type NodeObject, type NodeParts, parseNodeObject, toNodeView } from './nodeviews.ts';
import { part, type PartRead } from './part.ts';
import { nodeReasons } from './reasons.ts';
import type { Reads } from './reads.ts';
import { createRequestSums } from './requestsums.ts';
import { shared } from './shared.ts';
import type { SourceReader } from './sources.ts';
import type { NodeView } from './types.ts';
import type { MeasuredUsage, MetricsReader } from './usages.ts';
import { mergeSentences } from './viewerror.ts';

/** A Node with all its images may be 50 kB. */
const nodesPerPage = 100;
/** The sums of a node without pods. */
const noPods = { pods: 0, requested: { cpu: 0, memory: 0 }, limits: { cpu: 0, memory: 0 } };

export interface NodeReader {
  /**
   * Returns the objects and usages, by name; of objects, after a failure, the last known ones beside the problem.
   * @param named nodes of pods, which may be newer than the objects that are kept: unless there is a problem, those without an object do not exist.
   */
  parts(named: ReadonlySet<string>): Promise<NodeParts>;
  /** Returns views of what can be read, by name, and a sentence for each part that cannot. */
  views(): Promise<NodeViews>;
  /** As `views`, but does not ask the server why a usage is missing: one round trip less. */
  viewsWithoutCauses(): Promise<NodeViews>;
  /** Returns the usages, by name. @throws ViewError. */
  usages(): Promise<ReadonlyMap<string, MeasuredUsage>>;
  /** Resolves when what all pods request has been read once, or cannot be: views of before may lack it. */
  readonly requestsRead: Promise<void>;
}

export interface NodeViews {
  readonly nodes: readonly NodeView[];
  readonly problems: readonly string[];
  /** Reports whether usages were read. */
  readonly isMeasured: boolean;
}

export interface NodeViewOptions {
  readonly clock: Clock;
  readonly sources: SourceReader;
  /** See ClusterViewOptions. */
  readonly waitsForAll: boolean;
}

export function createNodeReader(
  reads: Reads,
  usages: MetricsReader,
  { clock, sources, waitsForAll }: NodeViewOptions,
): NodeReader {
  const sums = createRequestSums(reads, clock, waitsForAll);
  const known = shared(readNodes, { clock, leastMs: 5_000, mostMs: 60_000 });
  const measured = shared(() => usages.nodes(), { clock, leastMs: 1_000, mostMs: 15_000 });
  let lastKnown: ReadonlyMap<string, NodeObject> | undefined;
  const absent = new AbsentNodes(clock);
  let rereading: Promise<unknown> | undefined;
  return {
    parts,
    views: () => views(nodeReasons),
    viewsWithoutCauses: () => views(),
    usages: measured,
    requestsRead: sums.firstRead,
  };

  async function parts(named: ReadonlySet<string>): Promise<NodeParts> {
    const [ofApi, ofServer] = await Promise.all([knownWith(named), part(measured())]);
    return { known: ofApi, measured: ofServer };
  }

  /** Reads again once for each name that is not known, and for one call at a time: that of another one may say it. */
  async function knownWith(named: ReadonlySet<string>): Promise<PartRead<ReadonlyMap<string, NodeObject>>> {
    let read = await part(known());
    while (read.value !== undefined && !absent.haveAll(named.difference(read.value))) {
      if (rereading === undefined) {
        read = await readAgain(named);
        break;
      }
      await rereading;
      read = await part(known());
    }
    return { ...read, value: read.value ?? lastKnown };
  }

  async function readAgain(named: ReadonlySet<string>): Promise<PartRead<ReadonlyMap<string, NodeObject>>> {
    const reading = part(known.again());
    rereading = reading;
    try {
      const read = await reading;
      if (read.value !== undefined) absent.add(named.difference(read.value));
      return read;
    } finally {
      rereading = undefined;
    }
  }

  async function views(askServer?: typeof nodeReasons): Promise<NodeViews> {
    const reading = parts(new Set());
    const [read, requests] = await Promise.all([reading, sums.current(reading), sources.refresh()]);
    const { value: objects } = read.known;
    const { value: numbers } = read.measured;
    const names = [...(objects ?? numbers ?? new Map<string, unknown>()).keys()].toSorted();
    sources.expect(numbers?.keys() ?? []);
    const missing = numbers === undefined ? [] : names.filter((name) => !numbers.has(name));
    const reasons = await askServer?.(reads, missing);
    const nodes = names.map((name) =>
      toNodeView({
        name,
        known: objects?.get(name),
        usage: numbers?.get(name),
        source: sources.of(name),
        sums: requests.value && (requests.value.get(name) ?? noPods),
        reason: read.measured.problem ?? reasons?.get(name) ?? 'the server has no usage of it',
      }),
    );
    const problems = mergeSentences([read.known, read.measured, requests].flatMap(({ problem }) => problem ?? []));
    return { nodes, problems, isMeasured: numbers !== undefined };
  }

  async function readNodes(): Promise<ReadonlyMap<string, NodeObject>> {
    const nodes = await readNodeObjects(reads);
    lastKnown = nodes;
    absent.remove(nodes);
    return nodes;
  }
}

async function readNodeObjects(reads: Reads): Promise<ReadonlyMap<string, NodeObject>> {
  const nodes = new Map<string, NodeObject>();
  for await (const page of reads.pages('list nodes', '/api/v1/nodes', nodesPerPage)) {
    for (const object of page) {
      const node = parseNodeObject(object);
      if (node !== undefined) nodes.set(node.facts.name, node);
    }
  }
  return nodes;
}

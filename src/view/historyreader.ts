/** Reads points of the history that kubegauge keeps (`sinceSeconds`). Other servers ignore the parameter, so they are recognised first. */
import { prometheusHistoryReason } from '../api/askingreader.ts';
import { sourceAnnotation } from '../api/historylist.ts';
import { field, text } from '../client/json.ts';
import type { Clock } from '../clock.ts';
import { type ListPath, nodeMetrics, podMetrics } from './paths.ts';
import type { Reads } from './reads.ts';
import type { HistoryQuery, PointView } from './types.ts';
import type { Amounts } from './resources.ts';
import { type MeasuredUsage, parseUsage, pointOf } from './usages.ts';
import { toViewError, ViewError } from './viewerror.ts';

/** Whether a server keeps points; `none` is kubegauge with --history=0, `prometheus` with --resource-metrics=prometheus. */
export type HistoryKeeper = 'kubegauge' | 'none' | 'prometheus' | 'other';

/** Returns a node's source: cadvisor, resource or prometheus; undefined where it is not known. */
export type SourceOf = (node: string | undefined) => string | undefined;

export interface HistoryReader {
  /** @throws ViewError. */
  keeper(list: ListPath): Promise<HistoryKeeper>;
  /** Recognises the server by its nodes, else by all pods, else by those of a namespace: a user may have no other right. @throws ViewError. */
  keeperOfServer(namespace: string | undefined): Promise<HistoryKeeper>;
  /** Returns where nodes are read, as far as the server says it. @throws ViewError. */
  sources(): Promise<SourceOf>;
  /** Returns points oldest first, by node. @throws ViewError. */
  nodes(range: HistoryQuery, name: string | undefined): Promise<ReadonlyMap<string, readonly PointView[]>>;
  /** By `namespace/pod/container`. @throws ViewError. */
  containers(
    range: HistoryQuery,
    of: { readonly namespace: string; readonly name?: string; readonly labelSelector?: string },
  ): Promise<ReadonlyMap<string, readonly PointView[]>>;
}

/** Milliseconds until a server is recognised again: another may have taken its place. */
export const keeperLifetimeMs = 60_000;
/** Lists whose server is known: namespaces come and go while a screen stays open. */
export const keeperLimit = 1_000;
/** Seconds; more is not kept by default. */
const mostSeconds = 3_600;
/** Points a page: 7 MB of JSON. */
const pagePoints = 20_000;
/** Points of one answer, in containers; a namespace of 1,000 containers has 60,000 in an hour. */
const pointLimit = 500_000;
/** Seconds in which a node has a point, also where there is one in two minutes. */
const newestSeconds = 300;
/** Sources that a server may name; others are not shown. */
const knownSources: ReadonlySet<string | undefined> = new Set(['cadvisor', 'resource']);
const tooManyPoints = `there are more than ${pointLimit} points: ask for fewer pods, or for fewer points by stepSeconds`;

interface Recognised {
  readonly keeper: Promise<HistoryKeeper>;
  /** Monotonic. */
  untilMs: number;
  /** Undefined until it was recognised once. */
  last: HistoryKeeper | undefined;
}

export function createHistoryReader(reads: Reads, clock: Clock): HistoryReader {
  const keeper = createRecogniser(reads, clock);
  return {
    keeper,
    async keeperOfServer(namespace) {
      const others = namespace === undefined ? [undefined] : [undefined, namespace];
      let found = keeper(nodeMetrics);
      for (const each of others) {
        found = found.catch((error: unknown) => {
          // Another list of a server that does not answer would not say more.
          if (!(error instanceof ViewError) || error.status !== 403) throw error;
          return keeper(podMetrics(each));
        });
      }
      return found;
    },
    async sources() {
      if ((await keeper(nodeMetrics)) === 'prometheus') return () => 'prometheus';
      const sources = new Map<string, string>();
      // Two points a node at most.
      const newest = { sinceSeconds: newestSeconds, stepSeconds: newestSeconds };
      await readPoints(nodeMetrics, newest, {}, (item) => {
        const metadata = field(item, 'metadata');
        const source = text(field(field(metadata, 'annotations'), sourceAnnotation));
        if (knownSources.has(source)) sources.set(text(field(metadata, 'name')) ?? '', source ?? '');
        return 1;
      });
      return (node = '') => sources.get(node);
    },
    async nodes(range, name) {
      const points = new Map<string, PointView[]>();
      await readPoints(nodeMetrics, range, nameSelector(name), (item) => {
        const usage = parseUsage(item);
        return add(points, usage.name, usage);
      });
      return points;
    },
    async containers(range, { namespace, name, labelSelector }) {
      const points = new Map<string, PointView[]>();
      const query = { ...nameSelector(name), ...(labelSelector === undefined ? {} : { labelSelector }) };
      await readPoints(podMetrics(namespace), range, query, (item) => {
        const usage = parseUsage(item);
        for (const [container, numbers] of usage.containers) {
          add(points, `${usage.namespace}/${usage.name}/${container}`, usage, numbers);
        }
        return usage.containers.size;
      });
      return points;
    },
  };

  async function readPoints(
    list: ListPath,
    { sinceSeconds, stepSeconds }: HistoryQuery,
    selection: Readonly<Record<string, string>>,
    take: (item: unknown) => number,
  ): Promise<void> {
    const { path, what } = list;
    if ((await keeper(list)) !== 'kubegauge') return;
    const query = {
      ...selection,
      sinceSeconds: String(Math.min(sinceSeconds, mostSeconds)),
      ...(stepSeconds === undefined ? {} : { stepSeconds: String(stepSeconds) }),
    };
    let points = 0;
    for await (const page of reads.pages(what, path, pagePoints, query)) {
      // Points of some objects only would look like all.
      if (points > pointLimit) throw new ViewError(`cannot ${what}: ${tooManyPoints}`, 400);
      for (const item of page) points += take(item);
    }
  }
}

/** Returns a function that recognises the server of a list, at most once in `keeperLifetimeMs`. */
function createRecogniser(reads: Reads, clock: Clock): HistoryReader['keeper'] {
  const keepers = new Map<string, Recognised>();
  return keeper;

  function keeper(list: ListPath): Promise<HistoryKeeper> {
    const { path } = list;
    const known = keepers.get(path);
    if (known !== undefined && clock.monotonicMs() < known.untilMs) return known.keeper;
    const next: Recognised = {
      untilMs: clock.monotonicMs() + keeperLifetimeMs,
      last: known?.last,
      keeper: recognise(list).then(
        (found) => (next.last = found),
        (error: unknown) => {
          // The next call tries again; an outage does not change the server.
          next.untilMs = Number.NEGATIVE_INFINITY;
          if (next.last === undefined) throw error;
          return next.last;
        },
      ),
    };
    keepers.delete(path);
    keepers.set(path, next);
    const [oldest] = keepers.keys();
    if (keepers.size > keeperLimit && oldest !== undefined) keepers.delete(oldest);
    return next.keeper;
  }

  /** 0 is out of range for kubegauge alone; 1 is refused only where it keeps no history. */
  async function recognise(list: ListPath): Promise<HistoryKeeper> {
    const { path, what } = list;
    const probe = (sinceSeconds: string) => reads.refusal(what, path, { sinceSeconds, limit: '1' });
    // The header waits for it. Other servers ignore the limit, too: all pods twice would be too much.
    const second = list === nodeMetrics ? probe('1') : undefined;
    second?.catch(() => undefined);
    const refused = await probe('0');
    if (refused === undefined) return 'other';
    if (refused.reason !== 'BadRequest') throw toViewError(what, refused);
    const unkept = await (second ?? probe('1'));
    if (unkept === undefined) return 'kubegauge';
    if (unkept.reason !== 'BadRequest') throw toViewError(what, unkept);
    const isPrometheus = unkept.details?.causes?.some(({ reason }) => reason === prometheusHistoryReason) === true;
    return isPrometheus ? 'prometheus' : 'none';
  }
}

function nameSelector(name: string | undefined): { readonly fieldSelector?: string } {
  return name === undefined ? {} : { fieldSelector: `metadata.name=${name}` };
}

/** Adds a point, and returns how many were added. */
function add(points: Map<string, PointView[]>, key: string, usage: MeasuredUsage, numbers: Amounts = usage): number {
  const point = pointOf(usage, numbers);
  if (point === undefined) return 0;
  const line = points.get(key) ?? [];
  points.set(key, line);
  line.push(point);
  return 1;
}

/** One round: a calm moment, one fault or several that do not touch each other, and what they cost until all is well again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../cluster/wait.ts';
import type { ServerName } from '../conformance/servers.ts';
import { type Fault, nodeOf } from './fault.ts';
import { type Figures, figuresOf, isWhole, wrongValues } from './figures.ts';
import { type Lab, serverNames } from './lab.ts';
import type { LabNode } from './labnode.ts';
import type { Sight } from './sight.ts';
import { type Looker, type Watcher, watch } from './watcher.ts';

export interface Result {
  readonly fault: Fault;
  readonly figures: Readonly<Record<ServerName, Figures>>;
  /** Why the fault was none. */
  readonly broken?: string;
  /** The first values of ours that were wrong. */
  readonly wrong: readonly string[];
}

/** A whole resolution and some more: by then the age of a node's data has been as high as it gets, and what was lost shows. */
export const calmMs = 12_000;
/** The real server rereads a token after a minute. */
const wellTimeoutMs = 120_000;

/** One for each server, until they are disposed of. */
export type Watchers = Readonly<Record<ServerName, Watcher>> & AsyncDisposable;

export function watchBoth(lab: Lab, looker: Looker): Watchers {
  const real = watch(lab.client, () => lab.server('real'), looker);
  const ours = watch(lab.client, () => lab.server('ours'), looker);
  return { real, ours, [Symbol.asyncDispose]: async () => void (await Promise.all([real.stop(), ours.stop()])) };
}

/** @param all decides which node is whose. */
export async function runRound(
  lab: Lab,
  watchers: Watchers,
  faults: readonly Fault[],
  all: readonly Fault[],
): Promise<Result[]> {
  await untilWell(lab, watchers);
  const fromMs = Date.now();
  const broken = await Promise.all(faults.map((fault) => injected(lab, fault, all)));
  // What has just happened may show only at the next scrape.
  await sleep(calmMs);
  const unwell = await untilWell(lab, watchers).then(() => undefined, String);
  const struck = new Set(faults.flatMap((fault) => [...faultyNodes(lab, fault, all)]));
  return faults.map((fault, index) => {
    const reason = broken[index] ?? unwell;
    return {
      fault,
      figures: { real: figures('real', fault, fromMs, struck), ours: figures('ours', fault, fromMs, struck) },
      ...(reason === undefined ? {} : { broken: reason }),
      wrong: sightsOf('ours', fromMs)
        .flatMap((sight) => wrongValues(sight, lab.truth))
        .slice(0, 3),
    };
  });

  /** Other faults of the round are neither this one's node nor healthy. */
  function figures(name: ServerName, fault: Fault, fromMs: number, struck: ReadonlySet<string>): Figures {
    const faulty = faultyNodes(lab, fault, all);
    const counts = (node: string) => faulty.has(node) || !struck.has(node);
    const truth = {
      nodes: lab.truth.nodes.filter(({ name: node }) => counts(node)),
      pods: lab.truth.pods.filter(({ node }) => counts(node)),
    };
    return figuresOf({ sights: sightsOf(name, fromMs - calmMs), fromMs, truth, faulty });
  }

  function sightsOf(name: ServerName, fromMs: number): readonly Sight[] {
    return watchers[name].sights.filter(({ atMs }) => atMs >= fromMs);
  }
}

async function injected(lab: Lab, fault: Fault, all: readonly Fault[]): Promise<string | undefined> {
  try {
    await (fault.strikes === 'node' ? fault.inject(labNode(lab, nodeOf(all, fault)), lab) : fault.inject(lab));
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function faultyNodes(lab: Lab, fault: Fault, all: readonly Fault[]): ReadonlySet<string> {
  if (fault.strikes === 'node') return new Set([nodeOf(all, fault)]);
  return new Set(fault.strikes === 'all' ? lab.nodes.keys() : []);
}

function labNode(lab: Lab, name: string): LabNode {
  const node = lab.nodes.get(name);
  if (node === undefined) throw new Error(`the lab has no node ${name}`);
  return node;
}

/** Resolves when both servers have served everything for as long as a calm moment lasts. */
async function untilWell(lab: Lab, watchers: Watchers): Promise<void> {
  const isWell = ({ sights }: Watcher) => {
    const sinceMs = Date.now() - calmMs;
    const recent = sights.filter(({ atMs }) => atMs >= sinceMs);
    const watched = sights[0] !== undefined && sights[0].atMs < sinceMs;
    return watched && recent.length > 0 && recent.every((sight) => sight.ready && isWhole(sight, lab.truth));
  };
  await waitFor(
    'both servers to serve everything',
    () => serverNames.every((name) => isWell(watchers[name])),
    wellTimeoutMs,
  );
}

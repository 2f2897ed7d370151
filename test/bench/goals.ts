/** The goals, and the figure by which each is judged. */
import type { Unit } from './measure.ts';

export interface Goal {
  readonly what: string;
  readonly hard: number;
  readonly moonshot: number;
  readonly unit: Unit;
  readonly figure: string;
}

const scrapeGoal = (pods: number): Goal => ({
  what: `scrape of a node with ${pods} pods, kubelet 1.37 or later, to metrics-server's`,
  hard: 1 / 5,
  moonshot: 1 / 10,
  unit: 'ratio',
  figure: `paced.${pods}.filtered.to-metrics-server`,
});

const fullGoals = (pods: number, goal: Pick<Goal, 'hard' | 'moonshot'>): readonly Goal[] => [
  {
    what: `the same with ${pods} pods, older kubelet: full body, to metrics-server's`,
    ...goal,
    unit: 'ratio',
    figure: `paced.${pods}.full.to-metrics-server`,
  },
  {
    what: 'the same with `--kubelet-compression=false`',
    ...goal,
    unit: 'ratio',
    figure: `paced.${pods}.uncompressed.to-metrics-server`,
  },
];

/** Smaller is better for every one. */
export const goals: readonly Goal[] = [
  scrapeGoal(10),
  scrapeGoal(30),
  scrapeGoal(110),
  ...fullGoals(10, { hard: 0.6, moonshot: 0.4 }),
  ...fullGoals(30, { hard: 1.6, moonshot: 0.9 }),
  {
    what: "`--metrics-source=resource` with 30 pods, to metrics-server's",
    hard: 1 / 5,
    moonshot: 1 / 10,
    unit: 'ratio',
    figure: 'paced.30.resource.to-metrics-server',
  },
  {
    what: 'full body of 30 pods, to Go bringing and decoding the same',
    hard: 1 / 8,
    moonshot: 1 / 12,
    unit: 'ratio',
    figure: 'scrape.30.full.to-go-scrape',
  },
  {
    what: 'decoding a filtered protobuf body of 30 pods',
    hard: 12,
    moonshot: 5,
    unit: 'us',
    figure: 'decode.30.filtered-protobuf',
  },
  {
    what: 'decoding a full protobuf body of 30 pods',
    hard: 12,
    moonshot: 5,
    unit: 'us',
    figure: 'decode.30.full-protobuf',
  },
  {
    what: 'decoding a protobuf body of 30 pods after its layout changed',
    hard: 200,
    moonshot: 80,
    unit: 'us',
    figure: 'decode.30.filtered-protobuf.changed',
  },
  {
    what: 'allocation of decoding a filtered protobuf body of 30 pods, JavaScript heap',
    hard: 16 * 1024,
    moonshot: 4 * 1024,
    unit: 'bytes',
    figure: 'decode.30.filtered-protobuf.allocated',
  },
  {
    what: 'list of 150,000 pods, store to JSON; a twentieth of what it takes Go',
    hard: 200,
    moonshot: 50,
    unit: 'ms',
    figure: 'list.150000.all',
  },
  {
    what: 'list of a namespace of 400 pods by label selector, among 150,000',
    hard: 0.5,
    moonshot: 0.2,
    unit: 'ms',
    figure: 'list.150000.namespace-of-400',
  },
  {
    what: 'page of 500 of 150,000 pods (`limit`, `continue`), store to JSON, while pods change',
    hard: 2,
    moonshot: 0.5,
    unit: 'ms',
    figure: 'page.500-of-150000.changing',
  },
  {
    what: "GET of one pod, p50 by the clock, to metrics-server's",
    hard: 1 / 1.5,
    moonshot: 1 / 3,
    unit: 'ratio',
    figure: 'get.p50.to-metrics-server',
  },
  {
    what: "ten minutes of 100 nodes, 7,000 pods, HPA and `kubectl top`: CPU, to metrics-server's",
    hard: 1 / 2,
    moonshot: 1 / 5,
    unit: 'ratio',
    figure: 'whole.cpu.to-metrics-server',
  },
  {
    what: "the same: memory, to metrics-server's",
    hard: 1,
    moonshot: 0.7,
    unit: 'ratio',
    figure: 'whole.rss.to-metrics-server',
  },
  {
    what: "memory at 1,000 nodes of 30 pods, to metrics-server's",
    hard: 0.7,
    moonshot: 0.5,
    unit: 'ratio',
    figure: 'large.1000.rss.to-metrics-server',
  },
  {
    what: 'memory at 5,000 nodes of 30 pods',
    hard: 1.2 * 1024,
    moonshot: 870,
    unit: 'MiB',
    figure: 'large.5000.ours.rss',
  },
  ...[1_000, 5_000].flatMap((nodes): readonly Goal[] => [
    {
      what: `event-loop delay at ${nodes.toLocaleString('en-US')} nodes, p99`,
      hard: 50,
      moonshot: 10,
      unit: 'ms',
      figure: `large.${nodes}.ours.event-loop-p99`,
    },
    {
      what: `missed scrapes at ${nodes.toLocaleString('en-US')} nodes`,
      hard: 0,
      moonshot: 0,
      unit: 'count',
      figure: `large.${nodes}.ours.missed-scrapes`,
    },
  ]),
  {
    what: 'start: process to discovery served',
    hard: 500,
    moonshot: 300,
    unit: 'ms',
    figure: 'start.ours.discovery',
  },
  {
    what: 'start: process to first metrics, cold: one interval between samples',
    hard: 15_000,
    moonshot: 15_000,
    unit: 'ms',
    figure: 'start.ours.first-metrics-cold',
  },
  {
    what: 'start: process to first metrics, with a snapshot',
    hard: 2_000,
    moonshot: 1_000,
    unit: 'ms',
    figure: 'start.ours.first-metrics-warm',
  },
];

/** What is compared with prometheus-adapter, and by which figures. */

export interface AdapterGoal {
  readonly what: string;
  /** Ours to the adapter's; undefined if it is shown only. */
  readonly goal: number | undefined;
  readonly ratio: string;
  /** Returns the figure of a contender. */
  readonly of: (name: 'adapter' | 'ours') => string;
}

const load = (count: number, share: 'p50' | 'p99', goal?: number): AdapterGoal => ({
  what: `list of the pods of a workload, ${share} with ${count} in flight`,
  goal,
  ratio: `adapter.${count}.${share}.to-adapter`,
  of: (name) => `adapter.${name}.${count}.${share}`,
});

/** Smaller is better for every one. */
export const adapterGoals: readonly AdapterGoal[] = [
  load(1, 'p50'),
  load(10, 'p50'),
  load(10, 'p99'),
  load(40, 'p50'),
  load(40, 'p99', 1 / 20),
  {
    what: 'CPU per HPA sync of 100 HPAs',
    goal: 1 / 5,
    ratio: 'adapter.sync.cpu.to-adapter',
    of: (name) => `adapter.${name}.sync.cpu`,
  },
  {
    what: 'CPU per minute without requests: a list of 100,000 series behind 50 rules',
    goal: undefined,
    ratio: 'adapter.relist.cpu.to-adapter',
    of: (name) => `adapter.${name}.relist.cpu`,
  },
  {
    what: 'memory with 100,000 series behind 50 rules',
    goal: 1 / 2,
    ratio: 'adapter.rss.to-adapter',
    of: (name) => `adapter.${name}.rss`,
  },
  {
    what: 'the same, at most',
    goal: 1 / 2,
    ratio: 'adapter.rss-peak.to-adapter',
    of: (name) => `adapter.${name}.rss-peak`,
  },
];

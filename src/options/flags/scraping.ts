/** Flags about what is scraped, and how often. */
import { between, type FlagSection, oneOf, positive } from './flag.ts';

export const scrapingFlags = {
  'metric-resolution': {
    type: 'duration',
    default: '15s',
    check: between(10_000, 3_600_000, '10s, because kubelets sample no faster', '1h'),
    help: 'Scrape interval of each kubelet. A longer one costs less CPU here and on nodes; usages are older then.',
  },
  'metrics-source': {
    type: 'string',
    default: 'auto',
    check: oneOf('auto', 'cadvisor', 'resource'),
    help: 'Kubelet endpoint to scrape: cadvisor, resource, or auto. auto is cadvisor, and falls back to resource on nodes where cAdvisor lacks containers that the runtime reports.',
  },
  'metrics-staleness': {
    type: 'duration',
    default: undefined,
    check: positive,
    help: 'How long the last usage is served if no newer one comes. Unset: 3 x --metric-resolution, at least 45s. Nodes that sample slowly have twice the interval between their samples if that is longer. Raise it to bridge longer outages of kubelets.',
  },
  'snapshot-path': {
    type: 'string',
    default: undefined,
    help: 'File for a snapshot of the stored samples, so that a restarted server serves usages at once. The history and last values of rules are in files beside it, whose names end in .history and .rules. Its folder must exist. Unset: after a restart there are no usages until the second samples.',
  },
  history: {
    type: 'duration',
    default: '1h',
    check: (ms: number) => (ms === 0 ? undefined : between(600_000, 21_600_000, '10m, or 0 for none', '6h')(ms)),
    help: 'How long one point a minute of each node and container is kept in memory, for lists with sinceSeconds. With --snapshot-path it survives a restart. 0 keeps none. An hour of 60,000 containers takes about 20 MB; beyond 150,000 containers there is a point in two minutes.',
  },
  'scrape-workers': {
    type: 'string',
    default: 'auto',
    check: (value: string) =>
      value === 'auto' || /^(?:\d|1[0-6])$/.test(value) ? undefined : 'must be auto or a number from 0 to 16',
    help: 'Worker threads that scrape: 0 to 16, or auto. auto starts the first one from about 1,200 nodes on, or 90 of Kubernetes before 1.37, where scrapes would delay requests. With --kubelet-connection=proxy there are none.',
  },
  'node-selector': {
    type: 'string',
    default: '',
    short: 'l',
    help: 'Label selector of the nodes to scrape and to serve. Empty: all nodes.',
  },
} as const satisfies FlagSection;

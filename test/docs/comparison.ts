/** Compares with metrics-server and prometheus-adapter in ten lines, for README: facts beside the figures that were measured last. */
import { readMeasured } from '../faults/measured.ts';
import { costOf, unnoticed } from '../faults/table.ts';
import { comparedCost } from './costs.ts';

/** Returns the table in Markdown. @throws Error if a figure that it names was not measured. */
export function comparisonTable(): string {
  return [
    '| | metrics-server 0.9 | prometheus-adapter 0.12 | kubegauge |',
    '|---|---|---|---|',
    ...rows().map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n');
}

function rows(): readonly (readonly [what: string, server: string, adapter: string, ours: string])[] {
  const { rows: faults } = readMeasured();
  const failed = faults.find(({ name }) => name === 'one 500');
  if (failed === undefined) throw new Error('test/faults/measured.json has no row of one failed scrape');
  const scrape = comparedCost('CPU per scrape of a node with 30 pods, kubelet 1.37 or later');
  const older = comparedCost('CPU per scrape of a node with 30 pods, older kubelet');
  const memory = comparedCost('memory, 1,000 nodes and 30,000 pods');
  return [
    ['`metrics.k8s.io`', 'v1beta1', 'v1beta1, from Prometheus', 'v1 and v1beta1'],
    [
      'custom and external metrics',
      'no',
      'from Prometheus',
      "from PromQL engines by the adapter's file; custom ones from kubelets alone, too",
    ],
    ['swap, for `kubectl top --show-swap`', 'no', 'no', 'yes, on nodes that have swap'],
    ['a pod without usage', '404', '404', '404 with its cause; `status` and `doctor` show the node'],
    [
      'a scrape fails once',
      `node and pods ${costOf(failed.figures.real)}`,
      "by Prometheus' query",
      'the last known good value is served',
    ],
    [
      'faults that clients do not notice',
      `${unnoticed(faults, 'real')} of ${faults.length} tested`,
      'not tested',
      `${unnoticed(faults, 'ours')} of ${faults.length} tested`,
    ],
    [
      'kubelets with self-signed certificates',
      '`--kubelet-insecure-tls`',
      'reads no kubelet',
      'verified by pinned keys',
    ],
    ['the token that kubelets get', 'can list all pods', 'reads no kubelet', 'can read metrics only, for ten minutes'],
    [
      'CPU per scrape of 30 pods: kubelet 1.37 or later; older',
      `${scrape.theirs}; ${older.theirs}`,
      'does not scrape',
      `${scrape.ours}; ${older.ours}`,
    ],
    [
      'memory',
      `${memory.theirs} (1,000 nodes, 30,000 pods)`,
      '68 MB idle, and Prometheus',
      `${memory.ours} (the same)`,
    ],
  ];
}

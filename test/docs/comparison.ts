/** Compares with metrics-server in ten lines, for README: facts beside the figures that were measured last. */
import { readMeasured } from '../faults/measured.ts';
import { costOf, unnoticed } from '../faults/table.ts';
import { comparedCost } from './costs.ts';

/** Returns the table in Markdown. @throws Error if a figure that it names was not measured. */
export function comparisonTable(): string {
  return [
    '| | metrics-server 0.9 | kubegauge |',
    '|---|---|---|',
    ...rows().map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n');
}

function rows(): readonly (readonly [what: string, theirs: string, ours: string])[] {
  const { rows: faults } = readMeasured();
  const failed = faults.find(({ name }) => name === 'one 500');
  if (failed === undefined) throw new Error('test/faults/measured.json has no row of one failed scrape');
  const scrape = comparedCost('CPU per scrape of a node with 30 pods, kubelet 1.37 or later');
  const older = comparedCost('CPU per scrape of a node with 30 pods, older kubelet');
  const uncompressed = comparedCost(
    'CPU per scrape of a node with 30 pods, older kubelet, `--kubelet-compression=false`',
  );
  const memory = comparedCost('memory, 1,000 nodes and 30,000 pods');
  return [
    ['`metrics.k8s.io`', 'v1beta1', 'v1 and v1beta1'],
    ['swap, for `kubectl top --show-swap`', 'no', 'yes, on nodes that have swap'],
    ['a pod without usage', '404', '404 with its cause; `kubegauge status` and `doctor` show the node'],
    ['a scrape fails once', `node and pods ${costOf(failed.figures.real)}`, 'the last known good value is served'],
    [
      'faults that clients do not notice',
      `${unnoticed(faults, 'real')} of ${faults.length} tested`,
      `${unnoticed(faults, 'ours')} of ${faults.length} tested`,
    ],
    ['kube-apiserver verifies it', 'not with its release manifests', 'yes, without a Secret or cert-manager'],
    ['kubelets with self-signed certificates', '`--kubelet-insecure-tls`', 'verified by their pinned keys'],
    ['the token that kubelets get', 'can list all pods', 'can read metrics only, for ten minutes'],
    ['two replicas', 'share requests if kube-apiserver has a flag for it', 'share requests'],
    ['CPU per scrape, 30 pods, kubelet 1.37 or later', scrape.theirs, scrape.ours],
    [
      'the same, older kubelet',
      older.theirs,
      `${older.ours}; ${uncompressed.ours} with \`--kubelet-compression=false\``,
    ],
    ['memory, 1,000 nodes and 30,000 pods', memory.theirs, memory.ours],
    [
      'how you get it',
      'public image, manifests, Helm chart',
      'first version: build the image; manifests for kustomize',
    ],
  ];
}

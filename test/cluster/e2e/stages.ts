/** The order of the end-to-end files: which run alone, one after another, and which run side by side because they wait most of the time. */
import { globSync } from 'node:fs';
import path from 'node:path';

export interface Stage {
  readonly name: string;
  /** Whether its files run side by side; each file's own tests run as the file says. */
  readonly together: boolean;
  /** Without `.e2e.ts`. */
  readonly files: readonly string[];
}

const stages: readonly Stage[] = [
  {
    // The first of them needs a cluster without pods. `numbers` and `containers` compare the CPU of pods with what they are to use. `clients` reads points
    // of earlier minutes, which are there by then.
    name: 'alone on the cluster',
    together: false,
    files: ['top', 'access', 'numbers', 'containers', 'screens', 'clients'],
  },
  {
    // The autoscaler takes two minutes, most of them waiting; the others fit beside it on two cores.
    name: 'side by side',
    together: true,
    files: ['autoscaling', 'podlife', 'process', 'freshness'],
  },
  {
    // Each stops something that all others need. `node` builds the image of the pods while it waits.
    name: 'what others would notice',
    together: false,
    files: ['disruptions', 'node', 'churn', 'runtime', 'doctornodes'],
  },
  {
    // The first of them ends the process, and nothing starts it again.
    name: 'the server as pods',
    together: false,
    // From kubeletpins, which sees them start, to takeover, which replaces them, all share two replicas; takeover leaves the pod of the next stage.
    files: ['custommetrics', 'prometheusadapter', 'kubeletpins', 'replicas', 'trust', 'takeover'],
  },
  {
    // They share one pod. `permissions` reads the audit log of the whole run; `doctorapi`, in the pod, tries what the server may not read.
    name: 'the server as a pod, by manifests/base',
    together: false,
    files: ['pod', 'permissions', 'doctorapi'],
  },
];

/**
 * Returns the stages with those files whose names contain one of the parts; all where there are no parts. Paths are absolute.
 * @throws Error where no file is left, or where a file of the folder is in no stage.
 */
export function chooseStages(parts: readonly string[]): Stage[] {
  const there = globSync('*.e2e.ts', { cwd: import.meta.dirname }).map((file) => path.basename(file, '.e2e.ts'));
  const planned = stages.flatMap(({ files }) => files);
  const unplanned = there.filter((file) => !planned.includes(file));
  if (unplanned.length > 0) throw new Error(`test/cluster/e2e/stages.ts lacks ${unplanned.join(', ')}`);
  const chosen = stages
    .map((stage) => ({
      ...stage,
      files: stage.files
        .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
        .map((file) => path.join(import.meta.dirname, `${file}.e2e.ts`)),
    }))
    .filter(({ files }) => files.length > 0);
  if (chosen.length === 0) throw new Error(`no test file is called like that; there are ${planned.join(', ')}`);
  return chosen;
}

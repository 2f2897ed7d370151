/** The namespaces of the tests: labelled, so that those of a run that was killed are found again. */
import type { Cluster } from '../cluster.ts';
import { waitFor } from '../wait.ts';

const label = 'kubegauge.e2e=true';

/** Resolves with the name when pods can be made in it. */
export async function makeNamespace(cluster: Cluster, name: string): Promise<string> {
  await cluster.kubectl(['create', 'namespace', name]);
  await cluster.kubectl(['label', 'namespace', name, label]);
  // A pod is refused until the controllers have made its ServiceAccount.
  await waitFor(
    `the ServiceAccount ${name}/default`,
    () => cluster.kubectl(['get', 'serviceaccount', 'default', `--namespace=${name}`]),
    180_000,
  );
  return name;
}

/** Begins to delete these, whose pods later tests would only pay for. */
export async function dropNamespaces(cluster: Cluster, ...names: readonly string[]): Promise<void> {
  await cluster.kubectl(['delete', 'namespaces', ...names, '--wait=false', '--ignore-not-found']);
}

/** Resolves when they are gone with everything in them. */
export async function removeNamespaces(cluster: Cluster): Promise<void> {
  await cluster.kubectl(['delete', 'namespaces', `--selector=${label}`, '--timeout=120s'], { timeoutMs: 130_000 });
}

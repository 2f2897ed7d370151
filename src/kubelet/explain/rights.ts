/** Returns the remedy for a right that the account lacks, with a warning for the one that is as good as root. */
export function grant(right: string, account = 'our ServiceAccount'): string {
  const rule = `allow ${account} to get ${right} by a ClusterRole rule {apiGroups: [""], resources: [${right}], verbs: [get]}`;
  return right === 'nodes/proxy' ? `${rule} (as good as root on the nodes)` : rule;
}

/** Returns the remedy for our ServiceAccount's missing right, with a warning for the one that is as good as root. */
export function grant(right: string): string {
  const rule = `allow our ServiceAccount to get ${right} by a ClusterRole rule {apiGroups: [""], resources: [${right}], verbs: [get]}`;
  return right === 'nodes/proxy' ? `${rule} (as good as root on the nodes)` : rule;
}

/** How our ServiceAccount gets a right, and a warning with the one that nobody should give unawares. */
export function grant(right: string): string {
  const rule = `give our ServiceAccount the right to get ${right}: a ClusterRole rule {apiGroups: [""], resources: [${right}], verbs: [get]}`;
  return right === 'nodes/proxy' ? `${rule} (as good as root on the nodes)` : rule;
}

/** Statements of section 8 that no case here is about, and why not. */

export const elsewhere: ReadonlyMap<number, string> = new Map([
  [38, 'needs a scrape loop that is stuck; the unit tests of the health checks have it'],
  [75, "kube-apiserver's RBAC gives no reason when it refuses; the integration tests of the authorizer have one"],
  [122, 'metrics-server may take a minute to see a new certificate; the unit tests of src/tls have ours'],
  [126, 'the limit cannot be set to a small number with ours'],
  [128, 'takes 90 s of silence'],
  [130, 'needs a cluster with nodes: npm run test:e2e'],
]);

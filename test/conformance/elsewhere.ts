/** Statements of section 8 that no case here is about, and why not. */

export const elsewhere: ReadonlyMap<number, string> = new Map([
  [38, 'needs a scrape loop that is stuck; the unit tests of the health checks have it'],
  [75, "kube-apiserver's RBAC gives no reason when it refuses; the integration tests of the authorizer have one"],
  [122, 'metrics-server may take a minute to see a new certificate; the unit tests of src/tls have ours'],
  [128, 'takes 90 s of silence'],
  [130, 'needs a cluster with nodes: npm run test:e2e'],
]);

/** What statements say beyond their cases here. */
export const partly: ReadonlyMap<number, string> = new Map([
  [6, 'that the ETag is the same after a restart'],
  [58, 'through kube-apiserver; here the groups are sent straight to the servers'],
  [60, 'a ConfigMap that names a header for the UID'],
  [62, 'that malformed JSON, or no ConfigMap, changes nothing'],
  [64, 'that a revoked token is refused after 10 s'],
  [121, 'TLS 1.0, and the list of CAs in the request for a certificate'],
]);

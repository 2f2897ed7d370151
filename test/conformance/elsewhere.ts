/** Statements of section 8 that no case here is about, and why not. */

export const elsewhere: ReadonlyMap<number, string> = new Map([
  [
    38,
    'from outside neither server can be made to get stuck, because the timeout of a request ends each scrape; the unit tests of the health checks have a scrape loop that is stuck',
  ],
  [130, 'needs a cluster with nodes: npm run test:e2e'],
]);

/** Parts of statements that no case here covers. */
export const partly: ReadonlyMap<number, string> = new Map([
  [128, 'the last seconds up to 90, when metrics-server itself hangs up; npm run test:slow has ours'],
]);

/** What is known to be wrong with ours: the cases' titles and a sentence. They fail like any other until they are mended. */

export const gaps: ReadonlyMap<string, string> = new Map([
  [
    'authentication 40: an anonymous answer over HTTP/2 is followed by GOAWAY',
    'an HTTP/2 connection stays open after an anonymous answer',
  ],
  [
    'health 32: GET /healthz?verbose&exclude=ping&exclude=log as anonymous',
    'of several parameters exclude only the first is obeyed',
  ],
  [
    'health 33: GET /livez?verbose&exclude=zzz&exclude=yyy as anonymous',
    'of several parameters exclude only the first is obeyed; the names are joined by a comma without a space, sorted',
  ],
  [
    'protocol 126: more requests at once than there is room for',
    'there is no limit of requests in flight: --max-requests-inflight is accepted and without effect',
  ],
  ['protocol 123: plain HTTP', 'plain HTTP on the port is cut without a word'],
]);

/**
 * The statements of the reference that no case of this folder is about, each with the tests that are. A statement that
 * a case names needs no entry.
 */

/** The file below test/, and words of the test's title or of its suite's. */
interface Proof {
  readonly file: string;
  readonly title: string;
}

export const statementCount = 121;

const queries = 'unit/rules/queries.test.ts';
const seriesMetrics = 'unit/rules/seriesmetrics.test.ts';
const source = 'integration/prometheussource.test.ts';
const client = 'integration/promql-client.test.ts';
const kubelets = 'unit/kubeletsource/statements.test.ts';

export const proofs: ReadonlyMap<number, readonly Proof[]> = new Map([
  [53, [{ file: 'integration/custommetrics-discovery.test.ts', title: 'down to an empty list' }]],
  [80, [{ file: queries, title: 'index of an absent key is empty' }]],
  [86, [{ file: seriesMetrics, title: 'name.matches also filters, and all seriesFilters must hold' }]],
  [90, [{ file: seriesMetrics, title: 'of several series with one name the last one of the answer is queried' }]],
  [95, [{ file: source, title: 'a list that fails or hangs affects its own rules only, and metrics stay' }]],
  [96, [{ file: source, title: 'a list that fails or hangs affects its own rules only, and metrics stay' }]],
  [97, [{ file: source, title: 'null instead of series leaves the list as it is, and none ends the metric' }]],
  [
    98,
    [
      {
        file: source,
        title: 'Prometheus away at the start: the reason is known, and metrics come soon after its return',
      },
    ],
  ],
  [100, [{ file: client, title: 'is an error with its reason, and is not tried again' }]],
  [
    101,
    [
      { file: source, title: 'a hang ends in 504, is cancelled at Prometheus, and other rules are answered meanwhile' },
      { file: client, title: 'a hung query ends at its deadline, and its connection is closed' },
    ],
  ],
  [
    102,
    [{ file: source, title: 'NaN, infinities, overflow, histograms and nulls have no value, and a cause says why' }],
  ],
  [103, [{ file: source, title: 'warnings and partial answers are logged and counted' }]],
  [
    104,
    [
      { file: source, title: '1,500 pods are asked for by POST, in queries that VictoriaMetrics takes' },
      { file: 'promql/engines.test.ts', title: 'a query with 1,500 pods works' },
    ],
  ],
  [
    105,
    [
      { file: client, title: 'headers, basic authentication, path prefix and URL parameters reach Prometheus' },
      { file: client, title: 'TLS is verified by --prometheus-ca-file, and a client certificate is shown' },
    ],
  ],
  [106, [{ file: client, title: 'a rotated token is used without a restart, and its newline is no part of it' }]],
  [108, [{ file: 'integration/cluster-describedresources.test.ts', title: 'pods and nodes are matched from memory' }]],
  [112, [{ file: kubelets, title: 'the network of a pod is the sum over the interfaces of its sandbox' }]],
  [113, [{ file: kubelets, title: 'has no network metrics, and the cause says so' }]],
  [114, [{ file: kubelets, title: 'an idle pod has 0, not nothing' }]],
  [
    115,
    [
      { file: kubelets, title: 'is that of the most throttled container, not of the pod row' },
      { file: kubelets, title: 'is missing without a limit, and the cause says so' },
    ],
  ],
  [
    116,
    [
      { file: kubelets, title: "is the pod row's, per second" },
      { file: kubelets, title: 'is never above 1' },
    ],
  ],
  [117, [{ file: kubelets, title: 'when the sandbox restarts' }]],
  [118, [{ file: kubelets, title: 'time and window of a value' }]],
  [119, [{ file: 'unit/scrape/endpoint/wantedseries.test.ts', title: 'gets the same request as ever, to the byte' }]],
  [
    120,
    [
      {
        file: kubelets,
        title: 'a node on /metrics/resource keeps the last values until they are stale, then the cause says so',
      },
    ],
  ],
  [
    121,
    [
      {
        file: 'integration/command-rulesfile.test.ts',
        title: 'a file with problems is refused with the line of each, a missing one with its path',
      },
    ],
  ],
]);

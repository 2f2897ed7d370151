/** Reads failures of nodes in the server's status and in metrics-server's log. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { wordsOfLog, wordsOfStatus } from '../../../../src/doctor/nodes/serverswords.ts';

/** A line as metrics-server 0.5 to 0.9 writes it. */
const line = (error: string, node: string) =>
  `E0501 16:40:35.362224       1 scraper.go:149] "Failed to scrape node" err="Get \\"https://10.3.10.48:10250/metrics/resource\\": ${error}" node="${node}"`;

describe("metrics-server's log", () => {
  const errors: readonly (readonly [error: string, code: string])[] = [
    [
      "x509: cannot validate certificate for 10.3.10.48 because it doesn't contain any IP SANs",
      'CertificateNamesNeither',
    ],
    ['tls: failed to verify certificate: x509: certificate signed by unknown authority', 'UnknownAuthority'],
    ['tls: failed to verify certificate: x509: certificate has expired or is not yet valid', 'CertificateExpired'],
    ['remote error: tls: internal error', 'ServingCertificatePending'],
    ['dial tcp: lookup node-a on 10.96.0.10:53: no such host', 'NameUnknown'],
    ['dial tcp 10.3.10.48:10250: connect: connection refused', 'ConnectionRefused'],
    ['dial tcp 10.3.10.48:10250: connect: no route to host', 'Unreachable'],
    ['dial tcp 10.3.10.48:10250: i/o timeout', 'ConnectTimeout'],
    ['context deadline exceeded', 'NoAnswer'],
    ['something new', 'Other'],
  ];
  for (const [error, code] of errors) {
    test(`"${error}" is ${code}`, () => {
      assert.equal(wordsOfLog(`I0501 other\n${line(error, 'node-a')}\n`).get('node-a')?.code, code);
    });
  }

  test('the last failure of each node counts', () => {
    const log = [
      line('context deadline exceeded', 'a'),
      line('remote error: tls: internal error', 'a'),
      line('x', 'b'),
    ];
    const words = wordsOfLog(log.join('\n'));
    assert.deepEqual(
      [...words].map(([node, { code }]) => [node, code]),
      [
        ['a', 'ServingCertificatePending'],
        ['b', 'Other'],
      ],
    );
  });

  test('a timeout has words of its own in metrics-server 0.8', () => {
    const log =
      'E0818 scraper.go:147] "Failed to scrape node, timeout to access kubelet" err="Get \\"https://ip:10250/metrics/resource\\": dial tcp 10.224.35.224:10250: i/o timeout" node="n" timeout="20m0s"';
    assert.equal(wordsOfLog(log).get('n')?.code, 'ConnectTimeout');
  });
});

test('of a status only nodes with an error, or with one sample so far, are taken', () => {
  const words = wordsOfStatus({
    nodes: [
      { name: 'a', error: { code: 'Unauthorized', message: 'it returned 401' } },
      { name: 'b' },
      { error: { code: 'Other' } },
    ],
  });
  assert.deepEqual([...words], [['a', { code: 'Unauthorized', message: 'it returned 401' }]]);
  const waiting = wordsOfStatus({ nodes: [{ name: 'a', missing: 'one-sample' }] });
  assert.equal(waiting.get('a')?.code, 'OneSample');
  assert.equal(wordsOfStatus(undefined).size, 0);
});

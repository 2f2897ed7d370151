import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { explainFailure, explainNoAddress } from '../../../../src/kubelet/explain/explainfailure.ts';
import { inOneLine } from '../../../../src/kubelet/explain/explanation.ts';
import { explainStatus } from '../../../../src/kubelet/explain/explainstatus.ts';
import { BodyTooLargeError, KubeletError } from '../../../../src/kubelet/explain/kubeleterror.ts';

const attempt = { node: 'node-a', via: 'kubelet' as const, address: '10.0.0.7:10250', timeoutMs: 9_000 };

describe('a failure', () => {
  const check = (name: string, cause: Error, code: string) =>
    test(`${name} is ${code}`, () =>
      assert.equal(explainFailure(new KubeletError(attempt, 'no answer', { cause })).code, code));
  // Errors that loopback does not produce.
  check('EHOSTUNREACH', withCode('EHOSTUNREACH'), 'Unreachable');
  check('ENETUNREACH', withCode('ENETUNREACH'), 'Unreachable');
  check('ETIMEDOUT', withCode('ETIMEDOUT'), 'ConnectTimeout');
  check('EAI_AGAIN', withCode('EAI_AGAIN'), 'NameUnknown');
  check('EMFILE', withCode('EMFILE'), 'OutOfFiles');
  check('ENFILE', withCode('ENFILE'), 'OutOfFiles');
  check(
    'EPROTO with the alert of a pending certificate',
    Object.assign(
      new Error(
        'write EPROTO 40FD85263E7F0000:error:0A000438:SSL routines:ssl3_read_bytes:tlsv1 alert internal error:../rec_layer_s3.c:918:SSL alert number 80\n',
      ),
      { code: 'EPROTO' },
    ),
    'ServingCertificatePending',
  );
  check('EPROTO without a reason', withCode('EPROTO'), 'Other');
  check('a cause of a cause', new Error('outer', { cause: withCode('ECONNREFUSED') }), 'ConnectionRefused');
  check(
    'several addresses of a name',
    Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
    'ConnectionRefused',
  );
  check('an unknown code', withCode('EWHATEVER'), 'Other');
  check('a circular chain of causes', circle(), 'Other');
});

test('a process without files left is reported as such through kube-apiserver as well', () => {
  const error = new KubeletError({ ...attempt, via: 'apiserver' }, 'no answer', { cause: withCode('EMFILE') });
  assert.equal(explainFailure(error).code, 'OutOfFiles');
});

test('an error of another kind keeps its message', () => {
  const explained = explainFailure(new Error('cannot read the token', { cause: new Error('ENOENT') }));
  assert.deepEqual(explained, { code: 'Other', what: 'cannot read the token: ENOENT', remedy: undefined });
});

test('a body that is too large is explained with the remedy', () => {
  const explained = explainFailure(new BodyTooLargeError(attempt, 'the body is larger than 3 bytes'));
  assert.equal(explained.code, 'BodyTooLarge');
  assert.equal(
    inOneLine(explained),
    '10.0.0.7:10250: the body is larger than 3 bytes; check the node for leaked cgroups',
  );
});

test('a node without an address is explained with the given reason', () => {
  const explained = explainNoAddress({ reason: 'node node-a has none', remedy: 'give it one' });
  assert.equal(explained.code, 'NoAddress');
  assert.equal(inOneLine(explained), 'node node-a has none; give it one');
});

describe('a 403 names the right that the kubelet has checked', () => {
  const check = (text: string, right: string) =>
    test(text, () => {
      const explained = explainStatus('node-a', {
        via: 'kubelet',
        address: '10.0.0.7:10250',
        status: 403,
        body: Buffer.from(text),
      });
      assert.ok(
        explained.remedy?.includes(
          `allow the ServiceAccount of --kubelet-service-account, or without it ours, to get ${right} by a ClusterRole rule`,
        ),
        explained.remedy,
      );
    });
  check('Forbidden (user=x, verb=get, resource=nodes, subresource(s)=[metrics])', 'nodes/metrics');
  check('Forbidden (user=x, verb=get, resource=nodes, subresource(s)=[proxy])', 'nodes/proxy');
  check('Forbidden (user=x, verb=get, resource=nodes, subresource(s)=[pods proxy])', 'nodes/proxy');
  check('Forbidden (user=x, verb=get, resource=nodes, subresource=metrics)', 'nodes/metrics');
  check('', 'nodes/metrics');
});

describe("errors of kube-apiserver's connection to the kubelet are", () => {
  const check = (said: string, code: string, remedy: RegExp) =>
    test(`${code}: ${said}`, () => {
      const body = Buffer.from(JSON.stringify({ kind: 'Status', message: `error trying to reach service: ${said}` }));
      const explained = explainStatus('node-a', { via: 'apiserver', address: '10.96.0.1:443', status: 503, body });
      assert.equal(explained.code, code);
      assert.equal(
        explained.what,
        `kube-apiserver at 10.96.0.1:443 returned 503 for the kubelet of node node-a: error trying to reach service: ${said}`,
      );
      assert.match(explained.remedy ?? '', remedy);
    });
  const untrusted = 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
  check(untrusted, 'UnknownAuthority', /its own --kubelet-certificate-authority/);
  const withoutIp = "x509: cannot validate certificate for 10.0.0.7 because it doesn't contain any IP SANs";
  check(withoutIp, 'CertificateNamesNeither', /serverTLSBootstrap: true/);
  check('x509: certificate is valid for 10.0.0.8, not 10.0.0.7', 'CertificateNamesNeither', /the address in it/);
  const expired = 'x509: certificate has expired or is not yet valid: current time 2026-11-22T21:54:07Z is after';
  check(expired, 'CertificateExpired', /kubectl get csr.*NTP/);
  check('remote error: tls: internal error', 'ServingCertificatePending', /kubectl certificate approve <name>/);
  check('dial tcp 10.0.0.7:10250: connect: connection refused', 'ConnectionRefused', /check whether the kubelet runs/);
  check('dial tcp 10.0.0.7:10250: connect: no route to host', 'Unreachable', /konnectivity/);
  check('No agent available', 'Unreachable', /konnectivity/);
  check('dial tcp 10.0.0.7:10250: i/o timeout', 'ConnectTimeout', /firewalls/);
  check('dial tcp: lookup node-a: no such host', 'NameUnknown', /InternalIP/);
  check('no preferred addresses found; known addresses: []', 'NoAddress', /status\.addresses/);
});

test("nodes/proxy is not to be given to metrics-server's account, whose token goes to kubelets", () => {
  const remedyFor = (account: string) => {
    const message = `nodes "node-a" is forbidden: User "system:serviceaccount:kube-system:${account}" cannot get resource "nodes/proxy" in API group "" at the cluster scope`;
    const body = Buffer.from(JSON.stringify({ kind: 'Status', message }));
    return explainStatus('node-a', { via: 'apiserver', address: '10.96.0.1:443', status: 403, body }).remedy ?? '';
  };
  assert.match(
    remedyFor('kubegauge'),
    /^allow our ServiceAccount to get nodes\/proxy .*components\/kubelet-proxy has$/,
  );
  assert.match(
    remedyFor('metrics-server'),
    /^apply manifests\/ .*runs as ServiceAccount kubegauge; do not give nodes\/proxy/,
  );
  assert.doesNotMatch(remedyFor('metrics-server'), /allow/);
});

test('the body of a kubelet is never taken for a Status of kube-apiserver', () => {
  const body = Buffer.from('remote error: tls: internal error');
  const explained = explainStatus('node-a', { via: 'apiserver', address: '10.96.0.1:443', status: 500, body });
  assert.equal(explained.code, 'ServerError');
  assert.match(explained.what, /^the kubelet of node node-a \(through kube-apiserver/);
});

test('a body is quoted short and in one line', () => {
  const body = Buffer.from(`line one\nline\ttwo \u001b[31m${'x'.repeat(1_000)}`);
  const { what } = explainStatus('node-a', { via: 'kubelet', address: '10.0.0.7:10250', status: 500, body });
  assert.match(what, /returned 500: line one line two \[31mx+$/);
  assert.ok(what.length < 400);
});

function withCode(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function circle(): Error {
  const first = new Error('first');
  first.cause = new Error('second', { cause: first });
  return first;
}

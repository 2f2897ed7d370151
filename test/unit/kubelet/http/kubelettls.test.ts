import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { ApiServer, TlsMaterial } from '../../../../src/client/apiserver.ts';
import { createKubeletTls } from '../../../../src/kubelet/http/kubelettls.ts';
import { makeAuthority } from '../../../fakes/certificates.ts';
import { createFakeClock } from '../../../fakes/clock.ts';
import { createRecordingLog } from '../../../fakes/recordinglog.ts';

const [kubelets, next] = [makeAuthority('kubelets'), makeAuthority('next')];
const noFlags = {
  insecure: false,
  certificateAuthority: undefined,
  clientCertificate: undefined,
  clientKey: undefined,
};
let folder: string;
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
});
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const written = path.join(folder, name);
  writeFileSync(written, text);
  return written;
}

function serverWith(material: TlsMaterial): ApiServer {
  return { url: 'https://api', tls: () => material, authorization: () => Promise.resolve(undefined) };
}

test('without flags, CA and client certificate are those for kube-apiserver', () => {
  const tls = createKubeletTls(
    serverWith({ ca: 'CA', cert: 'C', key: 'K', rejectUnauthorized: true }),
    noFlags,
    createFakeClock(),
  );
  assert.deepEqual(tls(), { ca: 'CA', cert: 'C', key: 'K', insecure: false });
  assert.equal(tls(), tls());
});

const shown = kubelets.issue({ cn: 'kubegauge' });

test('flags replace the CA and the client certificate', () => {
  const flags = {
    insecure: false,
    certificateAuthority: file('ca', kubelets.cert),
    clientCertificate: file('cert', shown.cert),
    clientKey: file('key', shown.key),
  };
  const tls = createKubeletTls(serverWith({ ca: 'CA', rejectUnauthorized: false }), flags, createFakeClock());
  assert.deepEqual(tls(), { ca: kubelets.cert, cert: shown.cert, key: shown.key, insecure: false });
});

test('connections are insecure by flag, or by an insecure kubeconfig without a CA flag', () => {
  const secure = serverWith({ ca: 'CA', rejectUnauthorized: true });
  assert.equal(createKubeletTls(secure, { ...noFlags, insecure: true }, createFakeClock())().insecure, true);
  const insecure = serverWith({ rejectUnauthorized: false });
  assert.equal(createKubeletTls(insecure, noFlags, createFakeClock())().insecure, true);
  assert.equal(createKubeletTls(insecure, { ...noFlags, mustVerify: true }, createFakeClock())().insecure, false);
});

test('a CA file that changes is used within ten seconds', async () => {
  const certificateAuthority = file('rotating', kubelets.cert);
  const clock = createFakeClock();
  const { log, lines } = createRecordingLog();
  const flags = { ...noFlags, certificateAuthority };
  const tls = createKubeletTls(serverWith({ rejectUnauthorized: true }), flags, clock, log);
  assert.equal(tls().ca, kubelets.cert);
  writeFileSync(certificateAuthority, `${kubelets.cert.slice(0, 100)}\n${next.cert}`);
  await clock.advance(10_000);
  assert.equal(tls().ca, next.cert);
  assert.deepEqual(lines, ['warn: skips a damaged certificate; the others of its bundle are used']);
});

test('a missing file is named with its flag', () => {
  const flags = { ...noFlags, certificateAuthority: '/nowhere/ca.crt' };
  const tls = createKubeletTls(serverWith({ rejectUnauthorized: true }), flags, createFakeClock());
  assert.throws(tls, /--kubelet-certificate-authority \/nowhere\/ca\.crt/);
});

test('a file that holds something else is named with its flag', () => {
  const [cert, key] = [file('client.crt', shown.cert), file('client.key', shown.key)];
  const server = serverWith({ rejectUnauthorized: true });
  const of = (flags: object) => createKubeletTls(server, { ...noFlags, ...flags }, createFakeClock());
  assert.throws(of({ clientCertificate: key, clientKey: key }), /--kubelet-client-certificate .*client\.key/);
  assert.throws(of({ clientCertificate: cert, clientKey: cert }), /--kubelet-client-key .*client\.crt/);
  assert.throws(of({ certificateAuthority: key }), /--kubelet-certificate-authority .*client\.key/);
});

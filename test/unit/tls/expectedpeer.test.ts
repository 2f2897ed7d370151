import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import type { PeerCertificate } from 'node:tls';
import { onlyThis } from '../../../src/tls/expectedpeer.ts';
import { issueLeaf } from '../../../src/tls/leaf.ts';
import { createPodRoot } from '../../../src/tls/podroot.ts';
import { createSelfSigned } from '../../../src/tls/selfsigned.ts';
import { makeAuthority } from '../../fakes/certificates.ts';

const owner = { namespace: 'kube-system', pod: 'metrics-server-1', uid: '9b1c2f0e-4a57-4f3e-9d55-0b8f4a2f6c11' };
const leafOf = (root: ReturnType<typeof createPodRoot>) =>
  issueLeaf(root, { names: ['a'], nowMs: Date.now() }).pair.cert;
const accepts = (expected: string, peer: string) =>
  onlyThis(new X509Certificate(expected))('any', { raw: new X509Certificate(peer).raw } as PeerCertificate) ===
  undefined;

describe('the server that is expected', () => {
  const root = createPodRoot(owner);

  test('shows a leaf of the root in the file, whichever it has now', () => {
    assert.equal(accepts(root.pem, leafOf(root)), true);
    assert.equal(accepts(root.pem, leafOf(root)), true);
  });

  test('shows no leaf of another process, though its root has the same subject', () => {
    assert.equal(accepts(root.pem, leafOf(createPodRoot(owner))), false);
  });

  test('shows the certificate in the file itself, and no other of the same CA', () => {
    const authority = makeAuthority();
    const [one, two] = [authority.issue({ cn: 'one' }).cert, authority.issue({ cn: 'one' }).cert];
    assert.equal(accepts(one, one), true);
    assert.equal(accepts(one, two), false);
  });

  test('shows the self-signed certificate in the file, and no other of the same names', () => {
    const [one, two] = [createSelfSigned(['a'], Date.now()).cert, createSelfSigned(['a'], Date.now()).cert];
    assert.equal(accepts(one, one), true);
    assert.equal(accepts(one, two), false);
  });
});

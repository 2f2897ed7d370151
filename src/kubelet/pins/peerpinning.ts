/** Verifies a kubelet by its certificate, and a self-signed one by its pinned key; before anything is sent. */
import { X509Certificate } from 'node:crypto';
import { getCACertificates, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { VerifyPeer } from '../../client/connector.ts';
import { parseCertificates } from '../../tls/trustbundle.ts';
import { type CheckPin, KubeletKeyError, type Proof } from './proof.ts';
import { selfSignedProof } from './selfsigned.ts';

export interface PeerPinningOptions {
  readonly node: string;
  readonly checkPin: CheckPin;
  /** Trusted CAs. */
  readonly roots: () => readonly X509Certificate[];
  /** Returns why the certificate is for another server. */
  readonly checkNames: (certificate: PeerCertificate) => Error | undefined;
  /** Gets the proof that the pin has confirmed. */
  readonly onPinned: (proof: Proof) => void;
}

/** Requires `rejectUnauthorized: false`, and `checkServerIdentity` with the same names. */
export function createPeerPinning({ node, checkPin, roots, checkNames, onPinned }: PeerPinningOptions): VerifyPeer {
  return async (secure) => {
    if (secure.authorized) {
      // From now on a self-signed certificate of this node is refused.
      void checkPin(node, 'ca').catch(() => undefined);
      return undefined;
    }
    const failure = chainErrorOf(secure);
    // The chain is good, so the names are not.
    if (failure === undefined) return checkNames(secure.getPeerCertificate()) ?? new Error('the peer is not verified');
    // Only the first call has an answer.
    const certificate = secure.getPeerX509Certificate();
    const proof = certificate && selfSignedProof(certificate, roots());
    if (certificate === undefined || proof === undefined) return failure;
    const misnamed = checkNames(certificate.toLegacyObject());
    if (misnamed !== undefined) return misnamed;
    const verdict = await checkPin(node, proof);
    if (verdict.kind !== 'good') return new KubeletKeyError(proof, verdict);
    onPinned(proof);
    return undefined;
  };
}

/** Private in Node. */
interface VerifyHandle {
  verifyError(): Error | null | undefined;
}

/** Returns OpenSSL's error for which Node would have ended the connection. */
function chainErrorOf(secure: TLSSocket): Error | undefined {
  const { _handle: handle } = secure as unknown as { readonly _handle: VerifyHandle | null };
  return handle === null ? new Error('the connection is closed') : (handle.verifyError() ?? undefined);
}

/** Returns the certificates of a PEM bundle, or the system's. */
export function rootsOf(bundle: string | undefined): readonly X509Certificate[] {
  if (bundle !== undefined) return parseCertificates(bundle, 'the CA bundle for kubelets');
  return getCACertificates('default').map((pem) => new X509Certificate(pem));
}

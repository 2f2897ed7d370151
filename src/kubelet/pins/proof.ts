/** Defines what a kubelet shows of itself, and how it compares with its pin. */

/** A certificate of a trusted CA; or a self-signed one, by the SHA-256 of its public key (SPKI) in base64. */
export type Proof = 'ca' | `sha256:${string}`;

export type PinVerdict =
  | { readonly kind: 'good' }
  /** The pin is of another key, or of a CA. */
  | { readonly kind: 'changed'; readonly pinned: Proof }
  /** The first use cannot be recorded. */
  | ({ readonly kind: 'unrecorded' } & PinFailure);

export interface PinFailure {
  readonly reason: string;
  /** Whether the ConfigMap has no room. */
  readonly isFull?: true;
}

/**
 * Compares with the node's pin, and pins at the first use. May reject, which refuses the kubelet.
 * @param isOpen whether the connection has passed before: then an older copy of the pins will do, and nothing is pinned.
 */
export type CheckPin = (node: string, proof: Proof, isOpen?: boolean) => Promise<PinVerdict>;

const proofForm = /^(?:ca|sha256:[A-Za-z0-9+/]{43}=)$/;

export function isProof(text: string): text is Proof {
  return proofForm.test(text);
}

/** A kubelet with a self-signed certificate is refused. */
export class KubeletKeyError extends Error {
  override readonly name = 'KubeletKeyError';
  readonly code: 'ERR_KUBELET_KEY_CHANGED' | 'ERR_KUBELET_KEY_UNRECORDED' | 'ERR_KUBELET_PINS_FULL';

  constructor(shown: Proof, verdict: Exclude<PinVerdict, { readonly kind: 'good' }>) {
    super(describe(shown, verdict));
    if (verdict.kind === 'changed') this.code = 'ERR_KUBELET_KEY_CHANGED';
    else this.code = verdict.isFull === true ? 'ERR_KUBELET_PINS_FULL' : 'ERR_KUBELET_KEY_UNRECORDED';
  }
}

/** Continues "the kubelet ...". */
function describe(shown: Proof, verdict: Exclude<PinVerdict, { readonly kind: 'good' }>): string {
  const certificate = `shows a self-signed certificate with the key ${shown}`;
  if (verdict.kind === 'unrecorded') return `${certificate}, which cannot be pinned: ${verdict.reason}`;
  return verdict.pinned === 'ca'
    ? `${certificate}, although it had a certificate of a trusted CA before`
    : `${certificate}, but the pinned key is ${verdict.pinned}`;
}

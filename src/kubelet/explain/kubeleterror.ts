/** Errors of requests to kubelets; see `explainfailure.ts`. */

/** Where a request was sent. */
export interface KubeletRoute {
  /** apiserver: forwarded by kube-apiserver. */
  readonly via: 'kubelet' | 'apiserver';
  readonly address: string;
}

/** One request, as far as an error describes it. */
export interface Attempt extends KubeletRoute {
  readonly node: string;
  readonly timeoutMs: number;
}

/** No whole response; the cause is the connection's error. */
export class KubeletError extends Error {
  override readonly name: string = 'KubeletError';
  readonly attempt: Attempt;

  constructor(attempt: Attempt, message: string, options?: ErrorOptions) {
    super(`${attempt.address}: ${message}`, options);
    this.attempt = attempt;
  }
}

/** Another endpoint's body may be shorter. */
export class BodyTooLargeError extends KubeletError {
  override readonly name = 'BodyTooLargeError';
}

/** Our credentials or CAs cannot be read; another address would not help. */
export class CredentialsError extends KubeletError {
  override readonly name = 'CredentialsError';

  constructor(attempt: Attempt, options: ErrorOptions) {
    super(attempt, 'no request was sent', options);
  }
}

/** Neither a length nor chunks: a whole response looks like a cut one. */
export class EndlessAnswerError extends Error {
  override readonly name = 'EndlessAnswerError';
}

/** No address of a node leads to its kubelet. */
export class NoAddressAnswersError extends KubeletError {
  override readonly name = 'NoAddressAnswersError';
  /** By address, in the order tried. */
  readonly failures: readonly [KubeletError, ...KubeletError[]];

  constructor(failures: readonly [KubeletError, ...KubeletError[]]) {
    super(failures[0].attempt, 'and no other address answers', { cause: failures[0] });
    this.failures = failures;
  }
}

/** Returns how messages call a kubelet. */
export function kubeletOf({ node, via, address }: KubeletRoute & { readonly node: string }): string {
  return via === 'kubelet'
    ? `the kubelet of node ${node} at ${address}`
    : `the kubelet of node ${node} (through kube-apiserver at ${address})`;
}

/** The errors of requests to kubelets. `explainfailure.ts` makes messages for operators of them. */

/** Where a request was sent. */
export interface KubeletRoute {
  /** Whether it is the kubelet's address, or that of kube-apiserver, which forwards the request. */
  readonly via: 'kubelet' | 'apiserver';
  /** Host and port as in a URL. */
  readonly address: string;
}

/** One request, as far as an error describes it. */
export interface Attempt extends KubeletRoute {
  readonly node: string;
  readonly timeoutMs: number;
}

/** There is no whole response of a kubelet. The cause is the connection's error. */
export class KubeletError extends Error {
  override readonly name: string = 'KubeletError';
  readonly attempt: Attempt;

  constructor(attempt: Attempt, message: string, options?: ErrorOptions) {
    super(`${attempt.address}: ${message}`, options);
    this.attempt = attempt;
  }
}

/** The body exceeds its limit. Another endpoint may have a shorter one. */
export class BodyTooLargeError extends KubeletError {
  override readonly name = 'BodyTooLargeError';
}

/** No request was sent, because our own credentials or CAs for it cannot be read. Another address would not help. */
export class CredentialsError extends KubeletError {
  override readonly name = 'CredentialsError';

  constructor(attempt: Attempt, options: ErrorOptions) {
    super(attempt, 'no request was sent', options);
  }
}

/** A response has neither a length nor chunks, so a whole one cannot be distinguished from one that was cut off. */
export class EndlessAnswerError extends Error {
  override readonly name = 'EndlessAnswerError';
}

/** No address of a node leads to its kubelet. */
export class NoAddressAnswersError extends KubeletError {
  override readonly name = 'NoAddressAnswersError';
  /** One for each address, in the order in which they were tried. */
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

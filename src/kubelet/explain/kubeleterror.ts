/** What is thrown when no whole answer of a kubelet came; explain.ts has the words that users read. */

/** Whom a request went to. */
export interface KubeletRoute {
  /** Whose address it is: the kubelet's own, or that of kube-apiserver, which asks the kubelet for us. */
  readonly via: 'kubelet' | 'apiserver';
  /** Host and port as in a URL. */
  readonly address: string;
}

/** One try to get an answer, as far as an error has to tell of it. */
export interface Attempt extends KubeletRoute {
  readonly node: string;
  readonly timeoutMs: number;
}

/** No answer could be had of a kubelet; the cause is what the connection said. */
export class KubeletError extends Error {
  override readonly name: string = 'KubeletError';
  readonly attempt: Attempt;

  constructor(attempt: Attempt, message: string, options?: ErrorOptions) {
    super(`${attempt.address}: ${message}`, options);
    this.attempt = attempt;
  }
}

/** The kubelet has more to tell than anybody should read; another endpoint may be shorter. */
export class BodyTooLargeError extends KubeletError {
  override readonly name = 'BodyTooLargeError';
}

/** Neither a length nor chunks say where an answer ends, so a whole one cannot be told from one that was cut off. */
export class EndlessAnswerError extends Error {
  override readonly name = 'EndlessAnswerError';
}

/** None of a node's addresses leads to its kubelet. */
export class NoAddressAnswersError extends KubeletError {
  override readonly name = 'NoAddressAnswersError';
  /** Of each address, in the order in which they were tried. */
  readonly failures: readonly [KubeletError, ...KubeletError[]];

  constructor(failures: readonly [KubeletError, ...KubeletError[]]) {
    super(failures[0].attempt, 'and no other address answers', { cause: failures[0] });
    this.failures = failures;
  }
}

/** How explanations call a kubelet. */
export function kubeletOf({ node, via, address }: KubeletRoute & { readonly node: string }): string {
  return via === 'kubelet'
    ? `the kubelet of node ${node} at ${address}`
    : `the kubelet of node ${node} (by way of kube-apiserver at ${address})`;
}

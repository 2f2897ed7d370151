/** Explains why a kubelet cannot be read: a code for programs, a message and a remedy for operators. */

/** Stays the same when the message changes. */
export type ExplanationCode =
  | 'CertificateNamesNeither'
  | 'UnknownAuthority'
  | 'CertificateExpired'
  | 'CertificateNotYetValid'
  | 'CertificateNotForServers'
  | 'ServingCertificatePending'
  | 'ClientCertificateRefused'
  | 'NoCommonTls'
  | 'NotTls'
  | 'NotHttp'
  | 'WeakKey'
  | 'OutOfFiles'
  | 'ConnectionRefused'
  | 'ConnectionLost'
  | 'ConnectTimeout'
  | 'Timeout'
  | 'NameUnknown'
  | 'Unreachable'
  | 'NoAddress'
  | 'BodyTooLarge'
  | 'BodyBroken'
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'ServerError'
  | 'UnexpectedStatus'
  | 'AnswerUnusable'
  | 'AnswerBroken'
  | 'ClockSkew'
  | 'Other';

export interface Explanation {
  readonly code: ExplanationCode;
  /** The message. Names the node and the address of its kubelet. */
  readonly what: string;
  /** What to do; undefined if that is not known. */
  readonly remedy: string | undefined;
}

/** Returns message and remedy as one line, for a log. */
export function inOneLine({ what, remedy }: Explanation): string {
  return remedy === undefined ? what : `${what}; ${remedy}`;
}

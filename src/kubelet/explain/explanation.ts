/** What is said of a kubelet that cannot be read: a word for programs, a sentence and a remedy for people. */

/** Short words that stay the same when the sentences change. */
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
  /** Names the node and where its kubelet was expected. */
  readonly what: string;
  /** What to do about it; undefined where nobody knows. */
  readonly remedy: string | undefined;
}

/** As a log line has it. */
export function inOneLine({ what, remedy }: Explanation): string {
  return remedy === undefined ? what : `${what}; ${remedy}`;
}

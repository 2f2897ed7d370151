/** Why a kubelet cannot be read: a code for programs, the rest for operators. */

/** Stable when messages change; a heading of docs/troubleshooting.md. */
export type ExplanationCode =
  | 'CertificateNamesNeither'
  | 'UnknownAuthority'
  | 'CertificateExpired'
  | 'CertificateNotYetValid'
  | 'CertificateNotForServers'
  | 'KubeletKeyChanged'
  | 'KubeletKeyUnrecorded'
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
  readonly what: string;
  /** Undefined if unknown. */
  readonly remedy: string | undefined;
}

/** Returns message and remedy in one line, for a log. */
export function inOneLine({ what, remedy }: Explanation): string {
  return remedy === undefined ? what : `${what}; ${remedy}`;
}

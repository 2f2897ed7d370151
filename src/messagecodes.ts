/**
 * Stable codes of the program's messages, for search and for programs. Each is a heading of docs/troubleshooting.md. The
 * findings of `kubegauge doctor` have codes of their own in docs/doctor.md.
 */

/** Errors that end the program. */
export const startCodes = [
  'NodeTooOld',
  'UnknownFlag',
  'InvalidFlagValue',
  'ContradictingFlags',
  'UnknownCommand',
  'NoCluster',
  'KubeconfigUnusable',
  'PodAccountUnusable',
  'ServingCertificateUnusable',
  'ClientCaUnusable',
  'PortUnavailable',
  'StatusUnreadable',
  'KeyNotPinned',
  'ClusterNotExamined',
  'ClusterNotShown',
  'RulesNotChecked',
  'RulesUnusable',
  'PrometheusUnusable',
  'OutputNotWritten',
  'Failed',
] as const;

/** Causes that keep the server from being ready or alive. */
export const healthCodes = [
  'NodesNotListed',
  'PodsNotListed',
  'ClientCasUnknown',
  'NodesNotScraped',
  'NoUsageYet',
  'ScrapesStuck',
  'ShuttingDown',
] as const;

/** States of caBundle of an APIService. */
export const bundleCodes = [
  'ApiServiceNotRead',
  'ApiServiceNotOurs',
  'ApiServiceUnreadable',
  'RootPublished',
  'RootStaged',
  'RootNotPublished',
  'VerificationWaits',
  'EndpointByHand',
  'EndpointsUnreadable',
  'PodNotSelected',
  'BundleKeptOff',
  'BundleTooLong',
  'BundleNeedsKubeletAccount',
  'SecondProcess',
  'BundlePatchDenied',
  'BundleNotWritten',
  'BundleLostRoot',
  'BundleContested',
  'SystemRootsInUse',
] as const;

/** Rejected requests of clients. */
export const refusalCodes = [
  'FrontProxyCertificate',
  'FrontProxyName',
  'ClientCertificate',
  'TokenReviewFailed',
  'AccessReviewFailed',
  'TokenInvalid',
  'TokenQueueFull',
  'ImpersonationRefused',
  'UserDenied',
  'AnonymousDenied',
  'TooManyRequests',
  'TooManyAnonymousRequests',
] as const;

/** Other warnings and errors of the log, of `kubegauge status` and of commands that go on. */
export const warningCodes = [
  'FlagWithoutEffect',
  'FastPathsOff',
  'InsecureCipher',
  'FrontProxyAnyName',
  'SharedClientCa',
  'CredentialFileUnusable',
  'DamagedCertificateSkipped',
  'ClientCasNotUpdated',
  'CertDirUnusable',
  'ServingCertificateNotRenewed',
  'ServingCertificateNotValid',
  'ServingCertificateName',
  'WatchFails',
  'KubeletTokenMissing',
  'KubeletTokenNotRenewed',
  'KubeletTokenUnavailable',
  'PinsInMemory',
  'PinsLost',
  'PinsNotRemoved',
  'NodesNotRead',
  'NodeOnFallback',
  'NodeClockSet',
  'MetricsPathIgnored',
  'ForeignPods',
  'DisputedPods',
  'ImplausibleSample',
  'SnapshotIgnored',
  'SnapshotNotWritten',
  'SecondProcessUnknown',
  'PodNameTaken',
  'WorkerEnded',
  'HandshakeEnded',
  'ConnectionLimit',
  'AddressConnectionLimit',
  'ClientMemoryLimit',
  'ClientNotReading',
  'ResponseBroken',
  'RequestFailed',
  'LogLinesDropped',
  'DiscoveryFails',
  'NoRules',
  'RulesNeedRestart',
  'RulesNotReplaced',
  'RuleDoubtful',
  'TooManyObjects',
  'MetricInTwoSources',
  'RuleFails',
  'SeriesNotListed',
  'AnswerIncomplete',
  'SampleLeftOut',
  'PrometheusWithoutTls',
  'RowsNotRead',
  'ClusterDegraded',
] as const;

/** Why a kubelet cannot be read, or is read with a reservation. */
export const kubeletCodes = [
  'CertificateNamesNeither',
  'UnknownAuthority',
  'CertificateExpired',
  'CertificateNotYetValid',
  'CertificateNotForServers',
  'KubeletKeyChanged',
  'KubeletKeyUnrecorded',
  'KubeletPinsFull',
  'ServingCertificatePending',
  'ClientCertificateRefused',
  'NoCommonTls',
  'NotTls',
  'NotHttp',
  'WeakKey',
  'OutOfFiles',
  'ConnectionRefused',
  'ConnectionLost',
  'ConnectTimeout',
  'Timeout',
  'NameUnknown',
  'Unreachable',
  'NoAddress',
  'BodyTooLarge',
  'BodyBroken',
  'Unauthorized',
  'Forbidden',
  'NotFound',
  'ServerError',
  'UnexpectedStatus',
  'AnswerUnusable',
  'AnswerBroken',
  'ClockSkew',
  'Other',
] as const;

export type RefusalCode = (typeof refusalCodes)[number];
export type BundleCode = (typeof bundleCodes)[number];
export type KubeletFaultCode = (typeof kubeletCodes)[number];
/** The codes of messages that are not about one kubelet. */
export type ServerCode =
  | (typeof startCodes)[number]
  | (typeof healthCodes)[number]
  | BundleCode
  | RefusalCode
  | (typeof warningCodes)[number];
export type MessageCode = ServerCode | KubeletFaultCode;

/** A message and its code. */
export interface CodedText {
  readonly code: MessageCode;
  readonly text: string;
}

/** Returns the message with its code and the place that explains it, for messages that a person reads. */
export function withPage({ code, text }: CodedText): string {
  return `${text} (${code}: docs/troubleshooting.md#${code.toLowerCase()})`;
}

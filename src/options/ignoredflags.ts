/** Flags that are accepted and have no effect. */

/**
 * Flags of metrics-server, past and present, accepted with one warning so that old manifests start. klog's were removed
 * in metrics-server 0.7; audit and feature flags belong to parts of k8s.io/apiserver that we lack.
 */
export const ignoredFlags: readonly string[] = [
  'logtostderr',
  'alsologtostderr',
  'stderrthreshold',
  'log-dir',
  'log-file',
  'log-file-max-size',
  'one-output',
  'skip-headers',
  'skip-log-headers',
  'add-dir-header',
  'log-backtrace-at',
  'vmodule',
  'log-flush-frequency',
  'log-json-split-stream',
  'log-json-info-buffer-size',
  'log-text-split-stream',
  'log-text-info-buffer-size',
  'source',
  'permit-address-sharing',
  'permit-port-sharing',
  'tls-sni-cert-key',
  'http2-max-streams-per-connection',
  'min-request-timeout',
  'max-mutating-requests-inflight',
  'livez-grace-period',
  'cors-allowed-origins',
  'strict-transport-security-directives',
  'advertise-address',
  'external-hostname',
  'feature-gates',
  'emulated-version',
  'emulation-forward-compatible',
  'min-compatibility-version',
  'runtime-config-emulation-forward-compatible',
  'storage-initialization-timeout',
  'shutdown-watch-termination-grace-period',
  'profiling',
  'contention-profiling',
  'enable-priority-and-fairness',
  'debug-socket-path',
  // Of prometheus-adapter.
  'discovery-interval',
  'client-qps',
  'client-burst',
  'disable-http2',
];

/** About thirty more: --audit-log-*, --audit-webhook-* and --audit-policy-file. */
export const ignoredPrefix = 'audit-';

/** Returns what an operator loses without the flag. */
export function lossOf(name: string): string | undefined {
  if (name.startsWith(ignoredPrefix)) {
    return "no audit log is written here; kube-apiserver's has the requests that come through it, but not those of clients that connect directly";
  }
  return losses.get(name);
}

const losses: ReadonlyMap<string, string> = new Map([
  ['tls-sni-cert-key', 'every client gets the certificate of --tls-cert-file, whatever its server name (SNI) is'],
  ['http2-max-streams-per-connection', 'an HTTP/2 connection may have 100 streams at a time'],
  ['strict-transport-security-directives', 'no Strict-Transport-Security header is sent'],
  ['cors-allowed-origins', 'browsers let no other origin read a response'],
  ['disable-http2', 'HTTP/2 is served; --disable-http2-serving turns it off'],
  ['source', 'kubelets are always found by the Nodes of kube-apiserver'],
]);

/** Without a value: the next argument is not theirs. */
export const ignoredBooleans: ReadonlySet<string> = new Set([
  'disable-http2',
  'logtostderr',
  'alsologtostderr',
  'one-output',
  'skip-headers',
  'skip-log-headers',
  'add-dir-header',
  'log-json-split-stream',
  'log-text-split-stream',
  'permit-address-sharing',
  'permit-port-sharing',
  'emulation-forward-compatible',
  'runtime-config-emulation-forward-compatible',
  'profiling',
  'contention-profiling',
  'enable-priority-and-fairness',
  'audit-log-compress',
  'audit-log-truncate-enabled',
  'audit-webhook-truncate-enabled',
  'audit-webhook-batch-throttle-enable',
  'audit-log-batch-throttle-enable',
]);

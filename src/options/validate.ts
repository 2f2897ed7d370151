/** Rules about several flags, in metrics-server's words where it has the rule. */
import { formatDuration } from '../apimachinery/duration.ts';
import { parseLabelSelector } from '../apimachinery/labels.ts';
import { describeError } from '../logging.ts';
import type { CodedText } from '../messagecodes.ts';
import type { FlagName, Options } from './flags.ts';
import { prometheusSettingsProblems } from './prometheussettings.ts';
import { parsePrometheusUrls, prometheusUrlsProblem } from './prometheusurls.ts';

/** Returns what is wrong with the flags together. */
export function crossChecks(options: Options): CodedText[] {
  const tls = options['kubelet-tls'];
  const alias = options['kubelet-insecure-tls'];
  const isInsecure = kubeletTlsMode(options) === 'insecure';
  const plain = options['deprecated-kubelet-completely-insecure'];
  const ca = options['kubelet-certificate-authority'] !== undefined;
  const certificate = options['kubelet-client-certificate'] !== undefined;
  const key = options['kubelet-client-key'] !== undefined;
  const resolutionMs = options['metric-resolution'];
  const timeoutMs = options['kubelet-request-timeout'];
  const stalenessMs = options['metrics-staleness'];
  const rules: readonly Rule[] = [
    [
      tls !== undefined && alias !== undefined && alias !== (tls === 'insecure'),
      `cannot use both --kubelet-tls=${tls} and --kubelet-insecure-tls=${alias}: they contradict each other; leave out --kubelet-insecure-tls`,
    ],
    [ca && isInsecure, `cannot use both --kubelet-certificate-authority and ${insecureFlag(options)}`],
    [certificate !== key, 'need both --kubelet-client-key and --kubelet-client-certificate'],
    [key && plain, 'cannot use both --kubelet-client-key and --deprecated-kubelet-completely-insecure'],
    [certificate && plain, 'cannot use both --kubelet-client-certificate and --deprecated-kubelet-completely-insecure'],
    [isInsecure && plain, `cannot use both ${insecureFlag(options)} and --deprecated-kubelet-completely-insecure`],
    [tls === 'pin' && plain, 'cannot use both --kubelet-tls=pin and --deprecated-kubelet-completely-insecure'],
    [ca && plain, 'cannot use both --kubelet-certificate-authority and --deprecated-kubelet-completely-insecure'],
    ...proxyRules(options),
    ...prometheusRules(options),
    ...customMetricsRules(options),
    [
      timeoutMs !== undefined && timeoutMs > resolutionMs * largestTimeoutShare,
      `--kubelet-request-timeout must be at most 0.9 x --metric-resolution, which is ${formatDuration(resolutionMs * largestTimeoutShare)}; unset it for one that fits`,
    ],
    [
      stalenessMs !== undefined && stalenessMs < resolutionMs,
      `--metrics-staleness must be at least --metric-resolution, which is ${formatDuration(resolutionMs)}, or there would be gaps between scrapes`,
    ],
    [
      (options['tls-cert-file'] === undefined) !== (options['tls-private-key-file'] === undefined),
      'need both --tls-cert-file and --tls-private-key-file',
    ],
    [
      options['requestheader-client-ca-file'] !== undefined && options['requestheader-username-headers'].length === 0,
      '--requestheader-client-ca-file needs at least one of --requestheader-username-headers',
    ],
  ];
  return [
    ...rules.filter(([broken]) => broken).map(([, text]): CodedText => ({ code: 'ContradictingFlags', text })),
    ...selectorProblems(options['node-selector']),
  ];
}

/** In prometheus-adapter's words where it has the rule. */
function prometheusRules(options: Options): readonly Rule[] {
  const urls = options['prometheus-url'];
  const parsed = parsePrometheusUrls(urls);
  return [
    [
      urls.length > 0 && options.config === undefined,
      '--prometheus-url needs --config, a file with the rules that say which metrics there are; see docs/custom-metrics-rules.md',
    ],
    [
      options['resource-metrics'] === 'prometheus' && (urls.length === 0 || options.config === undefined),
      '--resource-metrics=prometheus needs --prometheus-url, and --config with resourceRules; see docs/custom-metrics-rules.md',
    ],
    [prometheusUrlsProblem(urls) !== undefined, `--prometheus-url: ${prometheusUrlsProblem(urls)}`],
    ...prometheusSettingsProblems(options, parsed).map((problem): Rule => [true, problem]),
    [
      (options['metrics-max-age'] ?? Infinity) < options['metrics-relist-interval'],
      '--metrics-max-age must not be less than --metrics-relist-interval, or metrics would come and go',
    ],
  ];
}

type Rule = readonly [broken: boolean, message: string];

/** Rejects flags of direct connections: kube-apiserver authenticates kubelets and itself by flags of its own. */
function proxyRules(options: Options): readonly Rule[] {
  const proxy = options['kubelet-connection'] === 'proxy';
  const rules = directOnly.map(
    (flag): Rule => [
      proxy && options[flag] !== undefined && options[flag] !== false,
      `cannot use both --kubelet-connection=proxy and --${flag}: kube-apiserver connects to the kubelets then`,
    ],
  );
  const workers = !['auto', '0'].includes(options['scrape-workers']);
  return [...rules, [proxy && workers, 'cannot use both --kubelet-connection=proxy and --scrape-workers']];
}

function customMetricsRules(options: Options): readonly Rule[] {
  const always = options['custom-metrics-always'].length > 0;
  const needsKubelet = '--custom-metrics-always needs --custom-metrics=kubelet';
  return [[always && options['custom-metrics'] !== 'kubelet', needsKubelet]];
}

const directOnly = [
  'kubelet-tls',
  'kubelet-insecure-tls',
  'kubelet-certificate-authority',
  'kubelet-client-certificate',
  'kubelet-client-key',
  'deprecated-kubelet-completely-insecure',
] as const satisfies readonly FlagName[];

/** Reports whether anything that is served comes from kubelets. */
export function scrapesKubelets(options: Pick<Options, 'resource-metrics' | 'custom-metrics'>): boolean {
  return options['resource-metrics'] === 'kubelet' || options['custom-metrics'] === 'kubelet';
}

export type KubeletTlsMode = 'verify' | 'pin' | 'insecure';

/** Returns undefined if no flag says it. */
export function kubeletTlsMode(
  options: Pick<Options, 'kubelet-tls' | 'kubelet-insecure-tls'>,
): KubeletTlsMode | undefined {
  const mode = options['kubelet-tls'] as KubeletTlsMode | undefined;
  return mode ?? (options['kubelet-insecure-tls'] === true ? 'insecure' : undefined);
}

/** Returns the ServiceAccount that --kubelet-service-account names. */
export function namedAccount<N extends string | undefined>(
  setting: string,
  ownNamespace: N,
): { readonly namespace: string | N; readonly name: string } {
  const [first = '', second] = setting.split('/');
  return second === undefined ? { namespace: ownNamespace, name: first } : { namespace: first, name: second };
}

/** Returns the flag as it was given. */
function insecureFlag(options: Options): string {
  return options['kubelet-tls'] === 'insecure' ? '--kubelet-tls=insecure' : '--kubelet-insecure-tls';
}

/** Returns the timeout of one scrape. */
export function kubeletRequestTimeoutMs(options: Options): number {
  return options['kubelet-request-timeout'] ?? Math.min(10_000, options['metric-resolution'] * largestTimeoutShare);
}

/** Share of --metric-resolution: a scrape must end before the node's next one. */
const largestTimeoutShare = 0.9;

function selectorProblems(selector: string): CodedText[] {
  try {
    parseLabelSelector(selector);
    return [];
  } catch (error) {
    return [{ code: 'InvalidFlagValue', text: `--node-selector=${selector}: ${describeError(error)}` }];
  }
}

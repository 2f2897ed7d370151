/** Reads and changes the server's flags in its Deployment; metrics-server's have the same names. */
import type { Options } from '../../options/flags.ts';
import { parseCommandLine } from '../../options/parse.ts';
import { kubeletTlsMode, scrapesKubelets } from '../../options/validate.ts';
import { kindOfImage } from '../apiside/servingpods.ts';
import type { ServiceAccount } from '../../client/tokenrequest.ts';
import { flagIn, separateAccountIn } from '../flagwords.ts';
import { command } from '../remedy.ts';

export interface ServerInstallation {
  readonly namespace: string;
  readonly deployment: string;
  readonly image: string;
  readonly serviceAccount: string;
  /** The account whose tokens kubelets get; undefined if it was not found out. */
  readonly kubeletAccount?: ServiceAccount | undefined;
  readonly hostNetwork: boolean;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly containerPorts: readonly number[];
  /** Terms of the required node affinity, as kube-apiserver returned them; a node matches one of them. */
  readonly nodeTerms: readonly unknown[];
}

/** metrics-server's default of --secure-port; ours is another. */
const metricsServerPort = 443;

/** Returns the value of a flag; see `flagIn`. */
export function flagValue(installation: ServerInstallation, name: string): string | undefined {
  return flagIn(wordsOf(installation), name);
}

/** Returns the account whose tokens kubelets get. */
export function accountForKubelets(installation: ServerInstallation): ServiceAccount {
  const { namespace, serviceAccount } = installation;
  const { kubeletAccount } = installation;
  return kubeletAccount ?? separateAccountIn(wordsOf(installation), namespace) ?? { namespace, name: serviceAccount };
}

function wordsOf({ command: words, args }: ServerInstallation): readonly string[] {
  return [...words, ...args];
}

export interface KubeletFlags {
  readonly preferredTypes: readonly string[];
  readonly useNodeStatusPort: boolean;
  readonly defaultPort: number;
  readonly isInsecure: boolean;
  /** Keys of self-signed kubelets are pinned, whatever their certificates say beside. */
  readonly isPinned: boolean;
  /** Whether another CA than the cluster's verifies kubelets. */
  readonly hasOwnCa: boolean;
  readonly usesProxy: boolean;
  /** Other nodes are not scraped. Empty selects all. */
  readonly nodeSelector: string;
  /** False: all that is served comes from Prometheus. */
  readonly scrapesKubelets: boolean;
  /** Whether metrics.k8s.io comes from Prometheus. */
  readonly servesPrometheus: boolean;
}

/** Returns the flags that decide how the server reaches kubelets: those of its Deployment, or of doctor itself. */
export function kubeletFlagsOf(installation: ServerInstallation | undefined, options: Options): KubeletFlags {
  if (installation === undefined) return flagsOf(options);
  const value = (name: string) => flagValue(installation, name);
  const isOn = (name: string) => value(name) !== undefined && value(name) !== 'false';
  // Those of metrics-server are the same.
  const defaults = flagsOf(parseCommandLine([]).options);
  const types = (value('kubelet-preferred-address-types') ?? '').split(',').map((type) => type.trim());
  const port = Number(value('kubelet-port'));
  return {
    preferredTypes: types.some((type) => type !== '') ? types.filter((type) => type !== '') : defaults.preferredTypes,
    useNodeStatusPort: isOn('kubelet-use-node-status-port'),
    defaultPort: port > 0 ? port : defaults.defaultPort,
    isInsecure: isOn('kubelet-insecure-tls') || value('kubelet-tls') === 'insecure',
    isPinned: value('kubelet-tls') === 'pin',
    hasOwnCa: value('kubelet-certificate-authority') !== undefined,
    usesProxy: value('kubelet-connection') === 'proxy',
    nodeSelector: value('node-selector') ?? value('l') ?? '',
    servesPrometheus: value('resource-metrics') === 'prometheus',
    scrapesKubelets: value('resource-metrics') !== 'prometheus' || value('custom-metrics') === 'kubelet',
  };
}

function flagsOf(options: Options): KubeletFlags {
  return {
    preferredTypes: options['kubelet-preferred-address-types'],
    useNodeStatusPort: options['kubelet-use-node-status-port'],
    defaultPort: options['kubelet-port'],
    isInsecure: kubeletTlsMode(options) === 'insecure',
    isPinned: kubeletTlsMode(options) === 'pin',
    hasOwnCa: options['kubelet-certificate-authority'] !== undefined,
    usesProxy: options['kubelet-connection'] === 'proxy',
    nodeSelector: options['node-selector'],
    servesPrometheus: options['resource-metrics'] === 'prometheus',
    scrapesKubelets: scrapesKubelets(options),
  };
}

export function securePortOf(installation: ServerInstallation): number {
  const isOurs = kindOfImage(installation.image) === 'kubegauge';
  const port = isOurs ? parseCommandLine([]).options['secure-port'] : metricsServerPort;
  return Number(flagValue(installation, 'secure-port') ?? port);
}

/** Returns the command that sets flags of the Deployment, and restarts its pods thereby. */
export function setFlags(
  { namespace, deployment, args }: ServerInstallation,
  values: Readonly<Record<string, string>>,
  more: readonly object[] = [],
): string {
  let free = args.length;
  const operations = Object.entries(values).map(([name, value]) => {
    const word = `--${name}=${value}`;
    const at = args.findLastIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
    if (at >= 0) {
      const isSeparate = args[at] === `--${name}` && args[at + 1]?.startsWith('-') === false;
      return isSeparate
        ? { op: 'replace', path: `${argsPath}/${at + 1}`, value }
        : { op: 'replace', path: `${argsPath}/${at}`, value: word };
    }
    free += 1;
    return free === 1
      ? { op: 'add', path: argsPath, value: [word] }
      : { op: 'add', path: `${argsPath}/-`, value: word };
  });
  const patch = JSON.stringify([...operations, ...more]);
  return command('kubectl', '--namespace', namespace, 'patch', `deployment/${deployment}`, '--type=json', '-p', patch);
}

const argsPath = '/spec/template/spec/containers/0/args';

/** Prints the flag table as --help, and the help of each command. */
import { distance } from 'fastest-levenshtein';
import { type FlagName, flagSections, flags } from './flags.ts';
import type { Flag } from './flags/flag.ts';

const usualKubeconfig =
  'Kubeconfig of the cluster. Unset: in a pod its account, elsewhere the file of KUBECONFIG, or else ~/.kube/config.';

/** The commands beside serving. */
const commands = {
  status: {
    synopsis: 'kubegauge status [nodes] [flags]',
    summary: 'prints the scrape status of a running server; with the flags of that server',
    text: [
      'Prints a line per node, what is wrong and what to do, and what was refused in the last five minutes.',
      'Runs where the server runs, and needs its --cert-dir (or --tls-cert-file and --tls-private-key-file) and --secure-port:',
      '',
      '  kubectl exec -n kube-system deploy/metrics-server -- /metrics-server status --cert-dir=/tmp',
    ],
    kubeconfig: 'Kubeconfig whose credentials the server gets. Unset: the account of the pod.',
    flags: ['secure-port', 'cert-dir', 'tls-cert-file', 'tls-private-key-file'],
  },
  doctor: {
    synopsis: 'kubegauge doctor [checks] [-o table|json|yaml] [--kubeconfig=<file>]',
    summary:
      'examines the cluster and prints what is wrong, with remedies; exit code 0 no errors, 1 errors, 2 could not examine',
    text: [
      'Examines a cluster whose server is kubegauge or metrics-server, and prints what is wrong, with remedies. It only reads.',
      '',
      '  -o, --output string (default table)',
      '        table, json or yaml.',
      '',
      'Exit code: 0 no errors, 1 errors, 2 the cluster could not be examined: it cannot be asked, or every check is unchecked.',
    ],
    kubeconfig: usualKubeconfig,
    flags: [],
  },
  ui: {
    synopsis: 'kubegauge ui [--kubeconfig=<file>] [--context=<name>] [--port=<port>] [--no-open]',
    summary: 'shows the cluster as a page in the browser, served on 127.0.0.1 with the rights of the kubeconfig',
    text: [
      'Serves a page with nodes, pods, autoscalers, plots of the last hour and findings of doctor, prints its link and opens the browser. It only reads, and needs',
      'nothing in the cluster; with metrics-server it collects history while it runs. The link opens once: Enter prints a new one.',
      '',
      '  --kubeconfig string',
      `        ${usualKubeconfig}`,
      '  --context string',
      '        Context of the kubeconfig. Unset: the current one.',
      '  --port integer (default 0)',
      '        Port on 127.0.0.1; 0 takes any that is free. Over SSH, forward the same port: ssh -L <port>:127.0.0.1:<port>.',
      '  --no-open',
      '        Prints the link, and opens no browser.',
      '',
      'Exit code: 0 after a signal, 1 it cannot start, 2 a usage error.',
    ],
    kubeconfig: undefined,
    flags: [],
  },
  top: {
    synopsis: 'kubegauge top [nodes|pods|containers|hpas] [-n <namespace>] [-l <labels>] [flags]',
    summary:
      'shows what nodes, pods, containers and autoscalers use, and why a number is missing; in a terminal, or for scripts',
    text: [
      'Shows usage beside requests, limits and what nodes can give, with its age and trend, and the reason where there is no number. Keys: ? in the screen.',
      'It needs no more than a kubeconfig, and works with metrics-server, too. As a plugin of kubectl: kubectl kubegauge top.',
      '',
      '  --kubeconfig string',
      `        ${usualKubeconfig}`,
      '  --context string',
      '        Context of the kubeconfig. Unset: the current one.',
      '  -n, --namespace string; -A, --all-namespaces',
      "        Unset: the namespace of the kubeconfig's context; all, if it names none.",
      '  -l, --selector string',
      '        Labels of pods, such as app=web,tier!=cache.',
      '  --once',
      '        Prints one screen and ends; so it does where standard output is no terminal.',
      '  -o, --output string (default table)',
      '        table, wide (all columns), json or csv; all but table print once.',
      '  -w, --watch',
      '        Prints rows when they change: usage by a tenth or more, a restart, a reason.',
      '  --interval duration (default 15s)',
      '        How often it reads; from 1s to 24h.',
      '',
      'Exit code: 0, 1 the cluster cannot be shown, 2 a usage error.',
    ],
    kubeconfig: undefined,
    flags: [],
  },
  trust: {
    synopsis: 'kubegauge trust <node> [sha256:<key>] [flags]',
    summary: 'pins the key that the kubelet of a node shows now (--kubelet-tls=pin), or the given one',
    text: [
      'Pins the key that the kubelet of a node shows now, in the place of the pinned one; a given key is compared with the one shown, and pinned where the',
      'kubelet cannot be reached from here. It needs the right to list nodes and to get and update the ConfigMap kubegauge-kubelet-pins. Give it the flags of the server that decide how kubelets are reached.',
    ],
    kubeconfig: usualKubeconfig,
    flags: [
      'kubelet-preferred-address-types',
      'kubelet-use-node-status-port',
      'kubelet-port',
      'kubelet-certificate-authority',
      'kubelet-request-timeout',
    ],
  },
  rules: {
    synopsis: 'kubegauge rules check <file> [-o table|json] [--prometheus-url=<url>] [--kubeconfig=<file>]',
    summary:
      "explains and checks a file of prometheus-adapter's rules; exit code 0 it loads, 1 it does not, 2 could not check",
    text: [
      'Reads the file that prometheus-adapter gets as --config, and prints for each rule which series, names, objects and queries it means, and what is wrong with',
      'it. - reads standard input; a ConfigMap with the file in it is read, too. It needs neither a cluster nor an engine:',
      '',
      '  kubectl get configmap -n monitoring adapter-config -o yaml | kubegauge rules check - --prometheus-url=http://localhost:9090',
      '',
      '  -o, --output string (default table)',
      '        table or json.',
      '  --prometheus-url string',
      '        Asks this PromQL engine for the series of each rule and for values of a few objects, also of resourceRules; several as of the server, each as',
      '        <name>=<url>. Unset: rules are explained only.',
      '  --kubeconfig string',
      '        Reads which resources this cluster has, also those of CRDs, which labels may name. Unset: those that every cluster has.',
      '  --prometheus-verb string (default GET), --prometheus-header name=value, --prometheus-ca-file, --prometheus-token-file,',
      '  --prometheus-client-tls-cert-file, --prometheus-client-tls-key-file, --prometheus-auth-config string, --prometheus-auth-incluster',
      '        As of the server.',
      '',
      'Exit code: 0 the file loads, 1 it does not or the engine refuses a query, 2 the file or the engine cannot be read.',
    ],
    kubeconfig: undefined,
    flags: [],
  },
} as const satisfies Readonly<Record<string, CommandDescription>>;

interface CommandDescription {
  readonly synopsis: string;
  readonly summary: string;
  readonly text: readonly string[];
  /** Explains --kubeconfig for this command; the server's own help speaks of kubelets. Undefined: it takes no flag of the server. */
  readonly kubeconfig: string | undefined;
  /** Those that matter most; the others are accepted, too. */
  readonly flags: readonly FlagName[];
}

export type CommandName = keyof typeof commands;

export function isCommandName(word: string | undefined): word is CommandName {
  return word !== undefined && Object.hasOwn(commands, word);
}

/** Edits between a command and what is taken for a typing error of it; of short commands, half of their characters. */
const typingErrors = 2;

/** Returns the command that a word is, or is a typing error of. */
export function nearestCommand(word: string): CommandName | undefined {
  return Object.keys(commands)
    .filter(isCommandName)
    .find((command) => distance(word, command) <= Math.min(typingErrors, Math.floor(command.length / 2)));
}

/**
 * Returns the text of `kubegauge <command> --help`.
 * @param checks a line for each check of `doctor`.
 */
export function commandHelp(command: CommandName, checks: readonly string[]): string {
  const { synopsis, text, kubeconfig, flags: names }: CommandDescription = commands[command];
  const lines = [`Usage: ${synopsis}`, '', ...text];
  if (checks.length > 0) lines.push('', 'Checks, all by default:', '', ...checks);
  if (kubeconfig === undefined) return `${lines.join('\n')}\n`;
  lines.push('', 'Flags:', '', ...flagLines('kubeconfig', { ...flags.kubeconfig, help: kubeconfig }));
  lines.push(...names.flatMap((name) => flagLines(name, flags[name])));
  lines.push('', 'The other flags of the server are accepted, too: kubegauge --help.');
  return `${lines.join('\n')}\n`;
}

/** Returns the text of --help. */
export function helpText(): string {
  const lines = [
    'kubegauge serves metrics.k8s.io from the kubelets of a Kubernetes cluster,',
    'and with a source custom.metrics.k8s.io and external.metrics.k8s.io.',
    '',
    'Usage: kubegauge [flags]',
    ...Object.values(commands).map(({ synopsis, summary }) => `       ${synopsis}   ${summary}`),
    '       kubegauge <command> --help   explains a command',
    '',
    'Pages in docs/ of the source: install.md, configuration.md (these flags beside those of metrics-server),',
    'troubleshooting.md (each code of a message, and the causes of a 404), doctor.md (findings of `kubegauge doctor`).',
  ];
  for (const [section, sectionFlags] of Object.entries(flagSections)) {
    lines.push('', `${section} flags:`, '');
    for (const [name, flag] of Object.entries(sectionFlags)) lines.push(...flagLines(name, flag));
  }
  return `${lines.join('\n')}\n`;
}

function flagLines(name: string, flag: Flag): readonly string[] {
  const start = `  ${spelling(name, flag)} ${flag.type}`;
  return [`${start}${flag.default ? ` (default ${flag.default})` : ''}`, `        ${flag.help}`];
}

/** Returns the flag as users write it. */
export function spelling(name: string, flag: Flag): string {
  return flag.short === undefined || flag.short === name
    ? name.length === 1
      ? `-${name}`
      : `--${name}`
    : `-${flag.short}, --${name}`;
}

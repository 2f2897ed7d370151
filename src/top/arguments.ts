/** The arguments of `kubegauge top`, as users of kubectl write them. */
import { parseArgs } from 'node:util';
import { parseDuration } from '../apimachinery/duration.ts';
import { parseLabelSelector } from '../apimachinery/labels.ts';
import { isNamespaceName } from '../apimachinery/names.ts';
import type { CodedText } from '../messagecodes.ts';
import { UsageError } from '../options/parse.ts';
import { parseArgsProblem } from '../options/parseargserror.ts';
import { type TopFormat, topFormats } from './print.ts';
import { type ScreenName, screenNames } from './rows.ts';

export interface TopArguments {
  readonly screen: ScreenName;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** Undefined for that of the kubeconfig's context. */
  readonly namespace: string | undefined;
  readonly isAllNamespaces: boolean;
  readonly labelSelector: string | undefined;
  readonly format: TopFormat;
  readonly isOnce: boolean;
  readonly isWatch: boolean;
  readonly intervalMs: number;
}

const options = {
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  namespace: { type: 'string', short: 'n' },
  'all-namespaces': { type: 'boolean', short: 'A' },
  selector: { type: 'string', short: 'l' },
  output: { type: 'string', short: 'o' },
  once: { type: 'boolean' },
  watch: { type: 'boolean', short: 'w' },
  interval: { type: 'string', default: '15s' },
} as const;

/** Words for each screen; those of kubectl are understood, too. */
const words: Readonly<Record<string, ScreenName>> = {
  nodes: 'nodes',
  node: 'nodes',
  no: 'nodes',
  pods: 'pods',
  pod: 'pods',
  po: 'pods',
  containers: 'containers',
  container: 'containers',
  hpas: 'hpas',
  hpa: 'hpas',
  horizontalpodautoscalers: 'hpas',
};

/** Milliseconds; usage is measured every 15 s, and a request costs the servers. */
const leastIntervalMs = 1_000;
/** Milliseconds. Timers overflow from 2^31 on, and would then fire at once. */
const mostIntervalMs = 24 * 3_600_000;

/** @throws UsageError with all problems. */
export function parseTopArguments(argv: readonly string[]): TopArguments {
  const { values, positionals } = parse(argv);
  const problems: CodedText[] = [];
  const invalid = (text: string) => void problems.push({ code: 'InvalidFlagValue', text });
  // As pflag, which takes -n=web, too.
  const given = (name: 'namespace' | 'selector' | 'output') => values[name]?.replace(/^=/, '');
  const labelSelector = given('selector') || undefined;
  // Labels are those of pods.
  const [word = labelSelector === undefined ? 'nodes' : 'pods', ...others] = positionals;
  const screen = Object.hasOwn(words, word) ? words[word] : undefined;
  if (screen === undefined || others.length > 0) {
    const text = `kubegauge top shows one of ${screenNames.join(', ')}; not ${positionals.join(' ')}; -n chooses a namespace, and -l pods by labels`;
    problems.push({ code: 'UnknownCommand', text });
  }
  const format = topFormats.find((each) => each === (given('output') ?? 'table'));
  if (format === undefined) invalid(`-o ${given('output')}: must be one of ${topFormats.join(', ')}`);
  const intervalMs = parseDuration(values.interval);
  if (intervalMs === undefined || intervalMs < leastIntervalMs || intervalMs > mostIntervalMs) {
    invalid(`--interval=${values.interval}: must be a duration of at least 1s and at most 24h, such as 15s`);
  }
  if (!isSelector(labelSelector)) invalid(`-l ${labelSelector}: must be a label selector, such as app=web,tier!=cache`);
  const namespace = given('namespace') || undefined;
  if (namespace !== undefined && !isNamespaceName(namespace)) {
    invalid(`-n ${namespace}: must be the name of one namespace, such as shop`);
  }
  if (namespace !== undefined && values['all-namespaces'] === true) invalid('-n and -A: choose one of them');
  if (labelSelector !== undefined && positionals.length > 0 && (screen === 'nodes' || screen === 'hpas')) {
    invalid(`-l ${labelSelector}: labels select pods and containers, not ${screen}`);
  }
  if (values.once === true && values.watch === true) invalid('--once and --watch: choose one of them');
  if (screen === undefined || format === undefined || intervalMs === undefined || problems.length > 0) {
    throw new UsageError(...problems);
  }
  return {
    screen,
    kubeconfig: values.kubeconfig,
    context: values.context,
    namespace,
    isAllNamespaces: values['all-namespaces'] === true,
    labelSelector,
    format,
    isOnce: values.once === true,
    isWatch: values.watch === true,
    intervalMs,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError({ code: 'UnknownFlag', text: parseArgsProblem(error, 'kubegauge top', kubectlHint) });
  }
}

/** Flags of `kubectl top` that are something else here. */
function kubectlHint(name: string): string | undefined {
  if (name === 'containers') return 'write kubegauge top containers';
  if (name === 'sort-by') return 'rows with the most CPU come first; s sorts by another column in the screen';
  return undefined;
}

function isSelector(text: string | undefined): boolean {
  try {
    parseLabelSelector(text ?? '');
    return true;
  } catch {
    return false;
  }
}

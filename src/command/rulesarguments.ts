/** The arguments of `kubegauge rules check`. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { distance } from 'fastest-levenshtein';
import { parseBool } from '../apimachinery/bool.ts';
import type { MessageCode } from '../messagecodes.ts';
import { prometheusFlags } from '../options/flags/prometheus.ts';
import { UsageError } from '../options/parse.ts';
import {
  type EngineFlags,
  type PrometheusSettings,
  prometheusSettings,
  prometheusSettingsProblems,
} from '../options/prometheussettings.ts';
import { parseArgsProblem } from '../options/parseargserror.ts';
import { parsePrometheusUrls, prometheusUrlsProblem } from '../options/prometheusurls.ts';
import type { PromqlEngine } from '../promql/engine.ts';

export interface RulesArguments {
  /** `-` is standard input. */
  readonly file: string;
  readonly output: 'table' | 'json';
  /** None: no engine is asked. */
  readonly engines: readonly EngineArguments[];
  /** Names the cluster whose resources are used. */
  readonly kubeconfig: string | undefined;
}

export interface EngineArguments extends PrometheusSettings {
  readonly verb: PromqlEngine['verb'];
}

/** @param argv behind `rules`. @throws UsageError */
export function readRulesArguments(argv: readonly string[]): RulesArguments {
  const { values, positionals } = parse(argv);
  const [command, file, ...others] = positionals;
  if (command !== 'check') throw usageError('UnknownCommand', unknownCommand(command));
  if (file === undefined) throw usageError('UnknownCommand', missingFile);
  if (others.length > 0) throw usageError('UnknownCommand', severalFiles(others));
  const { output = 'table', kubeconfig, 'prometheus-verb': verb = 'GET' } = values;
  if (output !== 'table' && output !== 'json')
    throw usageError('InvalidFlagValue', `-o ${output}: must be one of table, json`);
  const problem = prometheusFlags['prometheus-verb'].check(verb);
  if (problem !== undefined) throw usageError('InvalidFlagValue', `--prometheus-verb=${verb}: ${problem}`);
  const engines = readEngines({ ...values, 'prometheus-auth-incluster': isInCluster(values) }).map((each) => ({
    ...each,
    verb: verb as PromqlEngine['verb'],
  }));
  return { file, output, engines, kubeconfig };
}

type Values = ReturnType<typeof parse>['values'];

/** @throws UsageError */
function isInCluster({ [inCluster]: text = 'false' }: Values): boolean {
  const value = parseBool(text);
  if (value === undefined) throw usageError('InvalidFlagValue', `--${inCluster}=${text}: must be true or false`);
  return value;
}

function readEngines(values: EngineFlags & Pick<Values, 'prometheus-url'>): readonly PrometheusSettings[] {
  const given = values['prometheus-url'] ?? [];
  if (given.length === 0) return [];
  const problem = prometheusUrlsProblem(given);
  if (problem !== undefined) throw usageError('InvalidFlagValue', `--prometheus-url: ${problem}`);
  const urls = parsePrometheusUrls(given);
  const problems = prometheusSettingsProblems(values, urls);
  if (problems.length > 0)
    throw new UsageError(...problems.map((text) => ({ code: 'ContradictingFlags', text }) as const));
  return prometheusSettings(values, urls);
}

function unknownCommand(command: string | undefined): string {
  return `${command === undefined ? 'kubegauge rules needs a command' : `kubegauge rules ${command}`}: write kubegauge rules check <file>`;
}

const missingFile = 'kubegauge rules check needs a file, or - for standard input';

function severalFiles(others: readonly string[]): string {
  const url = others.find((word) => /^https?:/.test(word));
  return url === undefined
    ? `one file at a time: ${others.join(', ')}`
    : 'one file at a time; write the URL of an engine as --prometheus-url=<url>';
}

function usageError(code: MessageCode, text: string): UsageError {
  return new UsageError({ code, text });
}

const inCluster = 'prometheus-auth-incluster';

const flags = {
  output: { type: 'string', short: 'o' },
  kubeconfig: { type: 'string' },
  'prometheus-url': { type: 'string', multiple: true },
  'prometheus-verb': { type: 'string' },
  'prometheus-header': { type: 'string', multiple: true },
  'prometheus-auth-config': { type: 'string', multiple: true },
  [inCluster]: { type: 'string' },
  'prometheus-ca-file': { type: 'string', multiple: true },
  'prometheus-client-tls-cert-file': { type: 'string', multiple: true },
  'prometheus-client-tls-key-file': { type: 'string', multiple: true },
  'prometheus-token-file': { type: 'string', multiple: true },
} as const satisfies ParseArgsOptionsConfig;

function parse(argv: readonly string[]) {
  try {
    // A boolean of the server: also --flag=false.
    const args = argv.map((word) => (word === `--${inCluster}` ? `${word}=true` : word));
    return parseArgs({ args, allowPositionals: true, options: flags });
  } catch (error) {
    throw usageError('UnknownFlag', parseArgsProblem(error, 'kubegauge rules', hintOf));
  }
}

/** Names the flag that may be meant: one that ends like it, such as prometheus-url for url, or the nearest. */
function hintOf(name: string): string | undefined {
  if (name === 'config' || name === 'c') return 'write the file without it: kubegauge rules check <file>';
  const known = Object.keys(flags);
  const near = known.filter((flag) => distance(flag, name) <= name.length / 3);
  const meant = known.find((flag) => flag.endsWith(`-${name}`)) ?? near[0];
  return meant && `did you mean --${meant}?`;
}

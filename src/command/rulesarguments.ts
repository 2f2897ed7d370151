/** The arguments of `kubegauge rules check`. */
import { parseArgs } from 'node:util';
import { describeError } from '../logging.ts';
import { prometheusFlags } from '../options/flags/prometheus.ts';
import { UsageError } from '../options/parse.ts';
import { engineSettings, type EngineSettings } from './engineflags.ts';

export interface RulesArguments {
  /** `-` is standard input. */
  readonly file: string;
  readonly output: 'table' | 'json';
  /** Undefined: no engine is asked. */
  readonly engine: EngineArguments | undefined;
}

export interface EngineArguments extends EngineSettings {
  readonly url: string;
}

/** @param argv behind `rules`. @throws UsageError */
export function readRulesArguments(argv: readonly string[]): RulesArguments {
  const { values, positionals } = parse(argv);
  const [command, file, ...others] = positionals;
  if (command !== 'check')
    throw new UsageError({
      code: 'UnknownCommand',
      text: `kubegauge rules ${command ?? ''}: write kubegauge rules check <file>`,
    });
  if (file === undefined)
    throw new UsageError({
      code: 'UnknownCommand',
      text: 'kubegauge rules check needs a file, or - for standard input',
    });
  if (others.length > 0)
    throw new UsageError({ code: 'UnknownCommand', text: `one file at a time: ${others.join(', ')}` });
  const { output = 'table', 'prometheus-url': url, 'prometheus-verb': verb } = values;
  if (output !== 'table' && output !== 'json')
    throw new UsageError({ code: 'InvalidFlagValue', text: `-o ${output}: must be one of table, json` });
  const problem = verb === undefined ? undefined : prometheusFlags['prometheus-verb'].check(verb);
  if (problem !== undefined)
    throw new UsageError({ code: 'InvalidFlagValue', text: `--prometheus-verb=${verb}: ${problem}` });
  return { file, output, engine: url === undefined ? undefined : { url, ...engineSettings(values) } };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        output: { type: 'string', short: 'o' },
        'prometheus-url': { type: 'string' },
        'prometheus-verb': { type: 'string' },
        'prometheus-header': { type: 'string', multiple: true },
        'prometheus-ca-file': { type: 'string' },
        'prometheus-client-tls-cert-file': { type: 'string' },
        'prometheus-client-tls-key-file': { type: 'string' },
        'prometheus-token-file': { type: 'string' },
      } as const satisfies Partial<Record<'output' | keyof typeof prometheusFlags, object>>,
    });
  } catch (error) {
    // parseArgs's own: an unknown flag, or one without its value.
    throw new UsageError({ code: 'UnknownFlag', text: `${describeError(error)}; see kubegauge rules --help` });
  }
}

/** Parses the command line as pflag does, and reports all problems at once. */
import { distance } from 'fastest-levenshtein';
import { parseBool } from '../apimachinery/bool.ts';
import { parseDuration } from '../apimachinery/duration.ts';
import type { CodedText } from '../messagecodes.ts';
import { type FlagName, flags, type Options } from './flags.ts';
import type { Flag } from './flags/flag.ts';
import { ignoredBooleans, ignoredFlags, ignoredPrefix } from './ignoredflags.ts';
import { crossChecks } from './validate.ts';

/** The command line is invalid; the message has one line per problem, each with what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly problems: readonly CodedText[];

  constructor(...problems: readonly CodedText[]) {
    super(problems.map(({ text }) => text).join('\n'));
    this.problems = problems;
  }
}

export interface CommandLine {
  readonly options: Options;
  readonly ignored: readonly string[];
}

/** @throws UsageError with all problems. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const { given, ignored, problems } = readArguments(argv);
  const values = new Map<string, unknown>();
  for (const [name, flag] of Object.entries<Flag>(flags)) {
    const texts = given.get(name) ?? (flag.default === undefined ? [] : [flag.default]);
    const parsed = texts.length === 0 ? { value: undefined } : readValue(flag, texts);
    const problem =
      'problem' in parsed
        ? parsed.problem
        : parsed.value === undefined
          ? undefined
          : flag.check?.(parsed.value as never);
    const shown = flag.isSecret === true ? '' : `=${texts.join(',')}`;
    if (problem !== undefined) problems.push(invalidValue(`--${name}${shown}: ${problem}`));
    else if ('value' in parsed) values.set(name, parsed.value);
  }
  const options = Object.fromEntries(values) as Options;
  // Rules about two flags need both to be valid.
  if (problems.length === 0) problems.push(...crossChecks(options));
  if (problems.length > 0) throw new UsageError(...problems);
  return { options, ignored };
}

interface Arguments {
  readonly given: Map<string, string[]>;
  readonly ignored: string[];
  readonly problems: CodedText[];
}

/** Splits `--name=value`, `--name value`, `-nvalue`, `-n=value` and `-n value`. A boolean does not take the next argument. */
function readArguments(argv: readonly string[]): Arguments {
  const given = new Map<string, string[]>();
  const ignored: string[] = [];
  const problems: CodedText[] = [];
  let last: string | undefined;
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    const spelled = spell(word);
    if (spelled === undefined) {
      // Words are ignored, as by metrics-server: users write `--kubelet-insecure-tls true`.
      if (word.startsWith('-')) problems.push({ code: 'UnknownFlag', text: `unknown flag ${word}; see --help` });
      else if (endsInComma(last))
        problems.push(invalidValue(`${last} ${word}: remove the space behind the comma, or quote the list`));
      else ignored.push(word);
      last = undefined;
      continue;
    }
    const { name } = spelled;
    const known = isFlag(name);
    const ignorable = !known && isIgnored(name);
    if (!known && !ignorable) {
      problems.push({
        code: 'UnknownFlag',
        text: `unknown flag --${name}; ${suggestion(name)}`,
      });
      continue;
    }
    const boolean = known ? flags[name].type === 'boolean' : ignoredBooleans.has(name);
    let text = spelled.value ?? (boolean ? 'true' : undefined);
    if (text === undefined) {
      index += 1;
      text = argv[index];
    }
    last = known && flags[name].type === 'list' ? `--${name}=${text ?? ''}` : undefined;
    if (text === undefined) problems.push(invalidValue(`--${name} needs a value`));
    else if (ignorable) ignored.push(`--${name}`);
    else if (known && isRepeatable(flags[name])) given.set(name, [...(given.get(name) ?? []), text]);
    else given.set(name, [text]);
  }
  return { given, ignored, problems };
}

function invalidValue(text: string): CodedText {
  return { code: 'InvalidFlagValue', text };
}

function isRepeatable({ type }: Flag): boolean {
  return type === 'list' || type === 'repeated';
}

/** Detects a list split by a shell at a space: `--list=a, b`. */
function endsInComma(list: string | undefined): list is string {
  return list?.trimEnd().endsWith(',') === true;
}

function spell(word: string): { name: string; value: string | undefined } | undefined {
  const long = /^--([^=]+)(?:=(.*))?$/s.exec(word);
  // Underscores stand for dashes, as in k8s.io/component-base.
  if (long !== null) return { name: (long[1] ?? '').replaceAll('_', '-'), value: long[2] };
  const short = /^-([a-z])(?:=?(.+))?$/s.exec(word);
  const name =
    short === null ? undefined : Object.entries<Flag>(flags).find(([, flag]) => flag.short === short[1])?.[0];
  return name === undefined ? undefined : { name, value: short?.[2] };
}

function isFlag(name: string): name is FlagName {
  return Object.hasOwn(flags, name);
}

function isIgnored(name: string): boolean {
  return ignoredFlags.includes(name) || name.startsWith(ignoredPrefix);
}

/** Suggests the flag with the nearest name, or --help where more than half of it would have to change. */
function suggestion(name: string): string {
  const nearest = Object.keys(flags).reduce((best, candidate) =>
    distance(name, candidate) < distance(name, best) ? candidate : best,
  );
  if (distance(name, nearest) > name.length / 2) return 'see --help';
  return `did you mean ${nearest.length === 1 ? '-' : '--'}${nearest}?`;
}

function readValue(flag: Flag, texts: readonly string[]): { value: unknown } | { problem: string } {
  const text = texts.at(-1) ?? '';
  switch (flag.type) {
    case 'string':
      // Empty is unset, as Go's zero value.
      return { value: text === '' && flag.default === undefined ? undefined : text };
    case 'boolean': {
      const value = parseBool(text);
      return value === undefined ? { problem: 'must be true or false' } : { value };
    }
    case 'integer':
      return /^-?\d{1,15}$/.test(text) ? { value: Number(text) } : { problem: 'must be a whole number' };
    case 'number':
      return /^[-+]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})(?:[eE][-+]?\d{1,2})?$/.test(text)
        ? { value: Number(text) }
        : { problem: 'must be a number' };
    case 'duration': {
      const ms = parseDuration(text);
      return ms === undefined ? { problem: 'must be a duration such as 15s, 1m30s or 500ms' } : { value: ms };
    }
    case 'repeated':
      return { value: texts.filter((each) => each !== '') };
    case 'list':
      return {
        value: texts.flatMap((each) => each.split(',').map((item) => item.trim())).filter((item) => item !== ''),
      };
  }
}

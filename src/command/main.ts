/** From the command line to an exit code. */
import { once } from 'node:events';
import { systemResolver } from '../dns/systemresolver.ts';
import { escapeControls, foreignText } from '../foreigntext.ts';
import { createLogger, type LogFormat, type Logger } from '../logging.ts';
import { type MessageCode, withPage } from '../messagecodes.ts';
import type { Options } from '../options/flags.ts';
import { lossOf } from '../options/ignoredflags.ts';
import { type CommandLine, parseCommandLine, UsageError } from '../options/parse.ts';
import { commandHelp, helpText, isCommandName, nearestCommand } from '../options/usage.ts';
import { version } from '../version.ts';
import { type Environment, findApiServer, findApiServerAsKubectl } from './apiserver.ts';
import { failureOf } from './failure.ts';

const usageErrorCode = 2;

/** Returns 0 after a signal, 1 after a failure, 2 after a usage error; of `doctor` see doctorcommand.ts, of `rules` rulescommand.ts, of `top` topcommand.ts. */
export async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  // First: --help must work beside invalid flags.
  if (argv.includes('--help') || argv.includes('-h')) return print(await helpFor(argv[0]));
  if (argv.includes('--version')) return print(`kubegauge v${version}\n`);
  try {
    if (argv[0] === 'doctor') return await (await import('./doctorcommand.ts')).runDoctor(argv.slice(1), env);
    if (argv[0] === 'ui') return await (await import('./uicommand.ts')).runUi(argv.slice(1), env);
    if (argv[0] === 'top') return await (await import('./topcommand.ts')).runTop(argv.slice(1), env);
    if (argv[0] === 'rules') return await (await import('./rulescommand.ts')).runRules(argv.slice(1), env);
    const subcommand = subcommands.get(argv[0] ?? '');
    return subcommand === undefined
      ? await serve(withoutMisplacedCommand(parseCommandLine(argv)), env)
      : await runSubcommand(subcommand, argv.slice(1), env);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    for (const problem of error.problems) process.stderr.write(`kubegauge: ${escapeControls(withPage(problem))}\n`);
    return usageErrorCode;
  }
}

async function helpFor(command: string | undefined): Promise<string> {
  if (!isCommandName(command)) return helpText();
  return commandHelp(command, command === 'doctor' ? (await import('./doctorcommand.ts')).checkLines() : []);
}

/** Refuses to serve where a command was meant: words have no effect here, and `docter` would start a second server. @throws UsageError */
function withoutMisplacedCommand(commandLine: CommandLine): CommandLine {
  for (const word of commandLine.ignored) {
    if (word === 'help' || word === 'version')
      throw new UsageError({ code: 'UnknownCommand', text: `no command is named ${word}; write kubegauge --${word}` });
    const command = word.startsWith('-') ? undefined : nearestCommand(word);
    if (command === undefined) continue;
    const text =
      command === word
        ? `${word} has to be the first argument: kubegauge ${word} [flags]`
        : `no command is named ${word}; did you mean ${command}?`;
    throw new UsageError({ code: 'UnknownCommand', text });
  }
  return commandLine;
}

interface Subcommand {
  /** @param words of the command line that are no flags; a subcommand checks them before it looks for kube-apiserver. */
  readonly run: (options: Options, env: Environment, words: readonly string[]) => Promise<void>;
  /** The code of an error that has none. */
  readonly failure: MessageCode;
}

/** Each is imported only when it is used. */
const subcommands: ReadonlyMap<string, Subcommand> = new Map<string, Subcommand>([
  [
    'status',
    {
      failure: 'StatusUnreadable',
      run: async (options, env, words) => {
        const { printStatus } = await import('./statuscommand.ts');
        await printStatus(options, await findApiServer(options.kubeconfig, env), words);
      },
    },
  ],
  [
    'trust',
    {
      failure: 'KeyNotPinned',
      run: async (options, env, words) => {
        const { checkTrustWords, trustKubelet } = await import('./trustcommand.ts');
        const wanted = checkTrustWords(words);
        const apiServer = await findApiServerAsKubectl(options.kubeconfig, env);
        using resolver = systemResolver();
        const print = (line: string) => void process.stdout.write(`${escapeControls(line)}\n`);
        await trustKubelet({ options, apiServer, resolver, wanted, print });
      },
    },
  ],
]);

/** Returns 0, or 1 after a failure. @throws UsageError */
async function runSubcommand(
  { run: subcommand, failure }: Subcommand,
  argv: readonly string[],
  env: Environment,
): Promise<number> {
  const { options, ignored } = parseCommandLine(argv);
  try {
    const words = ignored.filter((word) => !word.startsWith('-'));
    await subcommand(options, env, words);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code, text } = failureOf(error, failure);
    process.stderr.write(`kubegauge: ${withPage({ code, text: foreignText(text) })}\n`);
    return 1;
  }
}

async function serve(
  { options, ignored }: CommandLine,
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const log = createLogger(options['logging-format'] as LogFormat, options.v);
  warnOfIgnored(ignored, log);
  const stop = new AbortController();
  void signalled().then((signal) => {
    log.info({ signal }, 'stopping');
    stop.abort(new Error(`stopped by ${signal}`));
  });
  try {
    // The server is most of the program, which a command that looks at a cluster must not load.
    const { run } = await import('./run.ts');
    await run(options, env, log, stop.signal);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const failure = failureOf(error, 'Failed');
    log.error({ code: failure.code, reason: withPage(failure) }, 'stopping after a failure');
    return 1;
  }
}

function warnOfIgnored(ignored: readonly string[], log: Logger): void {
  const losses = new Map(ignored.map((argument) => [lossOf(argument.replace(/^--/, '')), argument]));
  const code = 'FlagWithoutEffect';
  for (const [loss, flag] of losses) if (loss !== undefined) log.warn({ code, flag }, `${flag} is ignored: ${loss}`);
  const others = ignored.filter((argument) => lossOf(argument.replace(/^--/, '')) === undefined);
  if (others.length > 0) log.warn({ code, arguments: others }, 'these arguments have no effect here');
}

/** Resolves with the first signal; a second one ends the process. */
async function signalled(): Promise<string> {
  const listening = new AbortController();
  const { signal } = listening;
  const listen = async (name: string): Promise<string> => once(process, name, { signal }).then(() => name);
  try {
    return await Promise.race(['SIGTERM', 'SIGINT'].map(listen));
  } finally {
    listening.abort();
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

/** `kubegauge ui`: serves a page about the cluster on 127.0.0.1, and opens the browser. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { systemClock } from '../clock.ts';
import { allChecks } from '../doctor/checks.ts';
import { examine } from '../doctor/examination.ts';
import { foreignText } from '../foreigntext.ts';
import { createLogger } from '../logging.ts';
import { withPage } from '../messagecodes.ts';
import { port as portProblem } from '../options/flags/flag.ts';
import { parseCommandLine, UsageError } from '../options/parse.ts';
import { parseArgsProblem } from '../options/parseargserror.ts';
import { loadAssets } from '../ui/assets.ts';
import { openBrowser } from '../ui/openbrowser.ts';
import { startUi } from '../ui/ui.ts';
import { createClusterView } from '../view/clusterview.ts';
import { type Environment, findApiServerAsKubectl, isInPod } from './apiserver.ts';
import { failsAs, failureOf } from './failure.ts';

export interface UiArguments {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** 0: any that is free. */
  readonly port: number;
  readonly opens: boolean;
}

/** Serves until a signal. Returns 0, or 1 if it cannot start. @throws UsageError. */
export async function runUi(argv: readonly string[], env: Environment): Promise<number> {
  const given = readUiArguments(argv);
  // Before the start: a signal meanwhile must not be lost.
  const stopped = Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((name) => once(process, name)));
  try {
    const server = await findApiServerAsKubectl(given.kubeconfig, env, given.context);
    await using view = createClusterView({ server });
    const { options } = parseCommandLine([]);
    const assets = loadAssets();
    await using ui = await failsAs('PortUnavailable', () =>
      startUi({
        view,
        examine: () => examine(allChecks, { server, options, place: isInPod(env) ? 'pod' : 'outside' }),
        assets,
        context: server.context ?? server.url,
        port: given.port,
        clock: systemClock,
        log: createLogger('text', 0),
        onLinkUsed: (use) => {
          if (use === 'again') process.stdout.write(`${usedTwice}\n`);
        },
      }),
    );
    const link = ui.newLink();
    process.stdout.write(`kubegauge ui: ${link}\n`);
    if (given.opens && !(await openBrowser(link, env))) process.stdout.write('Open the link in a browser.\n');
    const hasKeys = process.stdin.isTTY;
    process.stdout.write(`The link opens once. ${hasKeys ? 'Enter: a new link. ' : ''}Ctrl-C: stop.\n`);
    using keys = hasKeys ? createInterface({ input: process.stdin }) : undefined;
    keys?.on('line', () => void process.stdout.write(`kubegauge ui: ${ui.newLink()}\n`));
    // readline takes Ctrl-C from the terminal.
    await Promise.race([stopped, ...(keys === undefined ? [] : [once(keys, 'SIGINT'), once(keys, 'close')])]);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code, text } = failureOf(error, 'Failed');
    process.stderr.write(`kubegauge: ${withPage({ code, text: foreignText(text) })}\n`);
    return 1;
  }
}

const usedTwice =
  'A link was used twice, so the session that it had opened has ended: one of both may have been another user of this machine. Press Enter, or start again, for a new link.';

/** @throws UsageError. */
export function readUiArguments(argv: readonly string[]): UiArguments {
  const { kubeconfig, context, port = '0', open = true } = parse(argv);
  const number = /^\d{1,5}$/.test(port) ? Number(port) : -1;
  const problem = number === 0 ? undefined : portProblem(number);
  if (problem !== undefined)
    throw new UsageError({ code: 'InvalidFlagValue', text: `--port=${port}: ${problem}, or 0 for any that is free` });
  return { kubeconfig, context, port: number, opens: open };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowNegative: true,
      options: {
        kubeconfig: { type: 'string' },
        context: { type: 'string' },
        port: { type: 'string' },
        open: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new UsageError({ code: 'UnknownFlag', text: parseArgsProblem(error, 'kubegauge ui') });
  }
}

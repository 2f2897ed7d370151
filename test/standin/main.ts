/** `npm start`: a simulated cluster, the metrics server for it, a table of what it serves, and what to try; until Ctrl-C. */
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { describeError } from '../../src/logging.ts';
import { refuseSecondStart } from './alreadyrunning.ts';
import { startCluster } from './cluster.ts';
import { createCredentials, writeCredentials } from './credentials.ts';
import { parseOptions, type StandinOptions, usage, UsageError } from './options.ts';
import { watchParents } from './parents.ts';
import { startPage } from './page.ts';
import { createLivePresenter, createPlainPresenter } from './presenter.ts';
import { createReader } from './reading.ts';
import { isLive } from './screen.ts';
import { reservePort, startServer } from './server.ts';
import { createTour } from './tour.ts';

/** Exit code of a program that a signal ended, as shells report it: 128 and the signal's number. */
const codeOf = (signal: keyof typeof constants.signals): number => 128 + constants.signals[signal];
/** Windows has no SIGPIPE. */
const brokenPipeCode = 141;

process.exitCode = await main();

/** Returns 0 after help, 1 when something broke, 2 when used wrongly; otherwise the code of what ended it. */
async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2));
    if (options !== undefined) return await run(options);
    process.stdout.write(usage());
    return 0;
  } catch (error) {
    console.error(`npm start: ${describeError(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function run(given: StandinOptions): Promise<number> {
  const options = { ...given, certDir: path.resolve(given.certDir) };
  const stopped = Promise.withResolvers<number>();
  // A second signal finds no listener any more and ends the process at once.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => stopped.resolve(codeOf(signal)));
  // A reader that has gone, as after `npm start | head`, must not keep us from stopping the server in good order.
  process.stdout.on('error', () => stopped.resolve(brokenPipeCode));
  process.stderr.on('error', () => undefined);
  using _parents = watchParents(() => stopped.resolve(codeOf('SIGTERM')));
  await refuseSecondStart(options);
  await using disposables = new AsyncDisposableStack();

  const live = isLive(process.stdout, process.env);
  const credentials = createCredentials();
  const serverPort = await reservePort(options.port);
  const happened: string[] = [];
  const say = (sentence: string): void => void happened.push(sentence);
  const cluster = disposables.use(await startCluster({ ...options, serverPort, credentials, say }));
  const files = await writeCredentials(options.certDir, credentials, cluster.apiUrl);
  const serverUrl = `https://127.0.0.1:${serverPort}`;

  const logFile = path.join(options.certDir, 'server.log');
  const log = live ? openLog(logFile) : undefined;
  const server = disposables.use(startServer(serverPort, options.certDir, files, log));
  if (log !== undefined) closeSync(log);
  const reader = disposables.use(
    createReader({
      apiUrl: cluster.apiUrl,
      serverUrl,
      ca: credentials.authority.cert,
      admin: credentials.admin,
      token: credentials.readerToken,
    }),
  );
  const page = disposables.use(
    await startPage(files.adminKubeconfig, (url) => {
      // A terminal shows it in place of the one before.
      if (!live) process.stdout.write(`page ${url}\n`);
    }),
  );
  const tour = disposables.use(
    createTour({
      presenter: live
        ? createLivePresenter(process.stdout)
        : createPlainPresenter((text) => process.stdout.write(text)),
      reader,
      files,
      serverUrl,
      happened,
      // The first one is the one to open first.
      addresses: [
        {
          of: 'page',
          get url() {
            return page.url;
          },
        },
        { of: 'kubegauge', url: serverUrl },
        { of: 'API server', url: cluster.apiUrl },
      ],
    }),
  );
  const ending = await Promise.race([stopped.promise, server.ended]);
  await tour[Symbol.asyncDispose]();
  if (typeof ending === 'number') {
    process.stdout.write('stopping kubegauge and its cluster\n');
    return ending;
  }
  if (live) process.stderr.write(readFileSync(logFile, 'utf8'));
  console.error(`npm start: ${ending}; its log is above`);
  return 1;
}

/** Opens the log file of this start, and empties it. */
function openLog(file: string): number {
  mkdirSync(path.dirname(file), { recursive: true });
  return openSync(file, 'w', 0o600);
}

/** `npm start`: a simulated cluster, the metrics server for it, and what to try; until Ctrl-C. */
import { once } from 'node:events';
import path from 'node:path';
import { describeError } from '../../src/logging.ts';
import { startCluster } from './cluster.ts';
import { createCredentials, type CredentialFiles, writeCredentials } from './credentials.ts';
import { watchParents } from './parents.ts';
import { parseOptions, type StandinOptions, usage, UsageError } from './options.ts';
import { metricsServed, reservePort, startServer } from './server.ts';

// A reader that has gone must not keep us from stopping the server in good order.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

process.exitCode = await main();

/** Returns 0 when stopped by a signal, 1 when something broke, 2 when used wrongly. */
async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2));
    if (options !== undefined) return await run(options);
    process.stdout.write(usage());
    return 0;
  } catch (error) {
    console.error(`stand-in: ${describeError(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function run(options: StandinOptions): Promise<number> {
  const stop = new AbortController();
  const orphaned = Promise.withResolvers<void>();
  using _parents = watchParents(orphaned.resolve);
  const stopped = Promise.race([signalled(), orphaned.promise]);
  await using disposables = new AsyncDisposableStack();
  const credentials = createCredentials();
  const serverPort = await reservePort(options.port).catch(inUse('port', options.port));
  const cluster = disposables.use(
    await startCluster({ ...options, serverPort, credentials, say }).catch(inUse('api-port', options.apiPort)),
  );
  const files = await writeCredentials(options.certDir, credentials, cluster.apiUrl);
  const serverUrl = `https://127.0.0.1:${serverPort}`;
  say(`a simulated cluster of ${cluster.nodes} nodes and ${cluster.pods} pods is up at ${cluster.apiUrl}`);
  const server = disposables.use(startServer(serverPort, options.certDir, files));
  disposables.defer(() => stop.abort());

  say('waiting for the first metrics: two samples of each container, 15 s apart');
  const served = metricsServed(serverUrl, credentials.authority.cert, credentials.readerToken, stop.signal);
  void served.then(
    () => console.log(`${invitation(files, serverUrl)}\n`),
    () => {},
  );
  const ending = await Promise.race([stopped.then(() => undefined), server.ended]);
  if (ending === undefined) {
    say('stopping');
    return 0;
  }
  console.error(`stand-in: ${ending}; what it said is above`);
  return 1;
}

function invitation(files: CredentialFiles, serverUrl: string): string {
  const shown = (file: string) => (path.relative('', file).startsWith('..') ? file : path.relative('', file));
  const curl = `curl --cacert ${shown(files.ca)} -H "Authorization: Bearer $(cat ${shown(files.readerToken)})"`;
  return [
    '',
    'Metrics are served. Try, in another terminal:',
    '',
    `  kubectl --kubeconfig=${shown(files.adminKubeconfig)} top nodes`,
    `  kubectl --kubeconfig=${shown(files.adminKubeconfig)} top pods -A`,
    `  ${curl} ${serverUrl}/apis/metrics.k8s.io/v1/nodes`,
    `  ${curl} ${serverUrl}/status`,
    `  npm run -s serve -- doctor --kubeconfig=${shown(files.adminKubeconfig)}`,
    '',
    'Ctrl-C stops everything.',
  ].join('\n');
}

/** Turns the system's error into what to do. */
function inUse(flag: string, port: number): (error: unknown) => never {
  return (error) => {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw taken
      ? new Error(
          `port ${port} is in use; end what uses it or choose another with --${flag}=<port> (0 takes a free one)`,
        )
      : error;
  };
}

function say(sentence: string): void {
  console.log(`${new Date().toISOString().slice(11, 19)} ${sentence}`);
}

/** A second signal finds no listener any more and ends the process at once. */
async function signalled(): Promise<void> {
  await Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)));
}

/** Starts the real metrics-server beside the server under test, at the same phase of scrapes where that matters. */
import type { Cluster } from '../cluster.ts';
import { waitFor } from '../wait.ts';
import { ask } from './ask.ts';
import type { Harness } from './harness.ts';
import { programNamed, resolutionMs, type ServerProcess, startServer } from './server.ts';

const port = 14_251;
/** From its start to its first scrape, roughly. */
const startUpMs = 500;

/** Starts it at any phase. */
export async function startPeer({ cluster, credentials, folder }: Harness): Promise<ServerProcess> {
  return startServer(cluster, await programNamed(cluster, 'metrics-server'), {
    port,
    kubeconfig: credentials.peerKubeconfig,
    folder,
    args: ['--kubelet-insecure-tls', '--kubelet-certificate-authority='],
  });
}

/**
 * Starts it so that it scrapes at about the same moments: kubelets take a sample every 10 to 15 s, and only within those
 * do both servers see the same one.
 */
export async function startPeerInStep(shared: Harness): Promise<ServerProcess> {
  await nextScrape(shared.cluster, shared.server(), shared.credentials.readerToken, startUpMs);
  return startPeer(shared);
}

/** Resolves when the server's next scrape is so many milliseconds ahead. */
async function nextScrape(cluster: Cluster, server: ServerProcess, token: string, aheadMs: number): Promise<void> {
  await waitFor(
    'the moment before a scrape',
    async () => {
      const { body } = await ask(cluster, `${server.url}/metrics`, { token });
      const last = /^metrics_server_kubelet_last_request_time_seconds\{[^}]*\} (\S+)$/m.exec(body)?.[1];
      if (last === undefined) throw new Error('its /metrics has no time of the last scrape');
      // metrics-server reports whole seconds.
      const sinceMs = Date.now() - Number(last) * 1000;
      const aheadNowMs = resolutionMs - (sinceMs % resolutionMs);
      return Math.abs(aheadNowMs - aheadMs) < 400;
    },
    // A busy machine answers too late for some of the moments.
    20 * resolutionMs,
    200,
  );
}

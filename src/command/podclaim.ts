/**
 * Lets one process of a pod publish its root certificate. A second server, started by hand in the pod, has the same
 * identity: each would take the root of the other for one of an earlier container, and replace it.
 */
import { createServer, type Server } from 'node:net';
import type { Clock } from '../clock.ts';
import { describeError, type Logger } from '../logging.ts';

export interface PodClaim extends AsyncDisposable {
  /** Reports whether this process is the one that may publish. Never becomes false again before it is disposed of. */
  isHeld(): boolean;
  /** Claims again until the other process has ended, then calls the listener once. Never rejects. */
  run(signal: AbortSignal, onHeld: () => void): Promise<void>;
}

export interface PodClaimOptions {
  /** UID of the pod. */
  readonly uid: string;
  /** URL of kube-apiserver. */
  readonly cluster: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly platform?: NodeJS.Platform;
}

/** Milliseconds between claims while another process holds it. */
export const claimIntervalMs = 10_000;

/**
 * Claims the pod by a Unix socket in Linux' abstract namespace: containers of a pod share it with their network, no
 * file is left behind, and the kernel frees the name when its process ends. On other systems there are no pods of ours,
 * and nothing is claimed. A claim that fails for another reason counts as held: without it no pod would become ready.
 */
export async function claimPod(options: PodClaimOptions): Promise<PodClaim> {
  const { uid, cluster, clock, log, platform = process.platform } = options;
  const path = `\0kubegauge/${uid}/${cluster}`.slice(0, nameLimit);
  let server: Server | undefined;
  let held = platform !== 'linux' || (await claim());
  if (!held) {
    log.error(
      { code: 'SecondProcess', podUid: uid },
      'another process of this pod serves and has published its root certificate; this one writes nothing to the API, and is not ready while kube-apiserver verifies. Was it started by hand?',
    );
  }
  return {
    isHeld: () => held,
    async run(signal, onHeld) {
      while (!held && !signal.aborted) {
        await clock.sleep(claimIntervalMs, signal).catch(() => undefined);
        if (signal.aborted || !(await claim())) continue;
        held = true;
        log.info({ podUid: uid }, 'the other process of this pod has ended; this one publishes its root certificate');
        onHeld();
      }
    },
    async [Symbol.asyncDispose]() {
      const closing = server;
      server = undefined;
      if (closing?.listening === true) await new Promise((resolve) => closing.close(resolve));
    },
  };

  async function claim(): Promise<boolean> {
    // Nothing is said on it.
    const claiming = createServer((socket) => socket.destroy()).unref();
    try {
      await new Promise<void>((resolve, reject) => {
        claiming.once('error', reject);
        claiming.listen({ path }, resolve);
      });
      claiming.on('error', () => undefined);
      server = claiming;
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
      log.warn(
        { code: 'SecondProcessUnknown', reason: describeError(error) },
        'whether another process of this pod serves, too, is not known',
      );
      return true;
    }
  }
}

/** Characters of sun_path in Linux' sockaddr_un, with the null character at its beginning. */
const nameLimit = 108;

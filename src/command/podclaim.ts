/**
 * Lets one process of a pod publish its root certificate. A second server, started by hand in the pod, has the same
 * identity: each would take the root of the other for one of an earlier container, and replace it.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { describeError, type Logger } from '../logging.ts';
import { answerChallenge, challengeHolder, type PodSecret } from './podproof.ts';
import { findSocketHolder } from './socketholder.ts';

export interface PodClaim extends AsyncDisposable {
  /** Reports whether this process may publish: no other server of the pod has proved that it was there before. */
  isHeld(): boolean;
  /** Claims again until the name is ours. Calls the listener after each change of isHeld. Never rejects. */
  run(signal: AbortSignal, onChange: () => void): Promise<void>;
}

export interface PodClaimOptions {
  /** UID of the pod. */
  readonly uid: string;
  /** URL of kube-apiserver. */
  readonly cluster: string;
  readonly secret: PodSecret;
  readonly clock: Clock;
  readonly log: Logger;
  readonly platform?: NodeJS.Platform;
}

/** Milliseconds between claims while another process holds the name. */
export const claimIntervalMs = 10_000;

/** Connections of other processes at once. */
const connectionLimit = 8;

/**
 * `held`: the name is ours. `second`: a server of this pod holds it. `taken`: a process holds it that does not prove to be one.
 * `unknown`: it cannot be claimed, or there are no abstract names. All but `second` publish: without that no pod would become ready.
 */
type ClaimState = 'held' | 'second' | 'taken' | 'unknown';

/**
 * Claims the pod by a Unix socket in Linux' abstract namespace: containers of a pod share it with their network, no
 * file is left behind, and the kernel frees the name when its process ends. On other systems there are no pods of ours,
 * and nothing is claimed.
 */
export async function claimPod(options: PodClaimOptions): Promise<PodClaim> {
  const claim = new SocketClaim(options);
  if ((options.platform ?? process.platform) === 'linux') await claim.tryAgain();
  return claim;
}

class SocketClaim implements PodClaim {
  readonly #options: PodClaimOptions;
  /** Without the null character at its beginning. */
  readonly #name: string;
  #state: ClaimState = 'unknown';
  #server: Server | undefined;
  readonly #connections = new Set<Socket>();

  constructor(options: PodClaimOptions) {
    this.#options = options;
    this.#name = `kubegauge/${options.uid}/${options.cluster}`.slice(0, nameLimit);
  }

  isHeld(): boolean {
    return this.#state !== 'second';
  }

  async run(signal: AbortSignal, onChange: () => void): Promise<void> {
    while ((this.#state === 'second' || this.#state === 'taken') && !signal.aborted) {
      await this.#options.clock.sleep(claimIntervalMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      const wasHeld = this.isHeld();
      await this.tryAgain();
      if (this.isHeld() !== wasHeld) onChange();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = this.#server;
    this.#server = undefined;
    for (const socket of this.#connections) socket.destroy();
    if (closing?.listening === true) await new Promise((resolve) => closing.close(resolve));
  }

  /** Claims the name, or finds out which process holds it. Logs each change. */
  async tryAgain(): Promise<void> {
    const before = this.#state;
    this.#state = await this.#claim();
    if (this.#state === before) return;
    const { log, uid: podUid } = this.#options;
    if (this.#state === 'second') {
      log.error(
        { code: 'SecondProcess', podUid },
        `another process of this pod serves and has published its root certificate: ${await this.#holder()}. This one writes nothing to the API, and is not ready while kube-apiserver verifies. Was it started by hand?`,
      );
    } else if (this.#state === 'taken') {
      log.error(
        { code: 'PodNameTaken', podUid },
        `the socket @${this.#name}, by which a second server in this pod is found, is held by ${await this.#holder()}, which does not prove to be one. This server goes on as if it were alone; end the other process`,
      );
    } else if (before === 'second') {
      log.info({ podUid }, 'the other process of this pod has ended; this one publishes its root certificate');
    }
  }

  async #claim(): Promise<ClaimState> {
    const path = `\0${this.#name}`;
    // The process may end between the claim and the challenge.
    for (let attempt = 0; attempt < claimAttempts; attempt += 1) {
      const state = await this.#listen(path);
      if (state !== undefined) return state;
      const result = await challengeHolder(path, this.#name, this.#options.secret);
      if (result !== 'gone') return result === 'proven' ? 'second' : 'taken';
    }
    return 'taken';
  }

  /** Returns undefined where another process holds the name. */
  async #listen(path: string): Promise<'held' | 'unknown' | undefined> {
    const { log } = this.#options;
    const claiming = createServer((socket) => this.#answer(socket)).unref();
    claiming.maxConnections = connectionLimit;
    try {
      await new Promise<void>((resolve, reject) => {
        claiming.once('error', reject);
        claiming.listen({ path }, resolve);
      });
      claiming.on('error', () => undefined);
      this.#server = claiming;
      return 'held';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
      log.warn(
        { code: 'SecondProcessUnknown', reason: describeError(error) },
        'whether another process of this pod serves, too, is not known',
      );
      return 'unknown';
    }
  }

  #answer(socket: Socket): void {
    this.#connections.add(socket);
    socket.once('close', () => this.#connections.delete(socket));
    void answerChallenge(socket.unref(), this.#name, this.#options.secret);
  }

  async #holder(): Promise<string> {
    const holder = await findSocketHolder(this.#name);
    if (holder === undefined) return 'a process that /proc of this container does not show';
    return `process ${holder.pid} of user ${holder.uid}`;
  }
}

/** Claims in a row, while each holder has ended before it was challenged. */
const claimAttempts = 3;
/** Characters of sun_path in Linux' sockaddr_un, less the null character at its beginning. */
const nameLimit = 107;

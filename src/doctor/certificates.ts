/** Looks at the certificates that servers show, by a TLS handshake without a request and without credentials. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { checkHostname } from '../client/hostname.ts';
import { foreignText } from '../foreigntext.ts';
import { describeError } from '../logging.ts';
import { guardServer } from '../tls/handshakeguard.ts';

export interface LookTarget {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  /** The name that is asked for (SNI), and that the certificate must have. */
  readonly servername: string;
  /** PEM: verifies the chain by these roots as Go does. Undefined: the system's roots. */
  readonly ca?: string;
}

export type Look =
  | {
      readonly kind: 'shown';
      /** The leaf first. */
      readonly chain: readonly X509Certificate[];
      /** Why the chain does not verify; undefined if it does. */
      readonly chainProblem: string | undefined;
      /** Why the name does not match; undefined if it does. */
      readonly nameProblem: string | undefined;
    }
  | { readonly kind: 'unreachable'; readonly reason: string };

export interface Certificates {
  /** Equal targets are looked at once a run. */
  look(target: LookTarget): Promise<Look>;
}

/** Milliseconds for connection and handshake. */
const lookTimeoutMs = 5_000;
/** Handshakes at a time. */
const concurrentLooks = 16;
/** Certificates of a chain; longer ones are cut. */
const chainLimit = 10;

export function createCertificates(signal: AbortSignal): Certificates {
  const looks = new Map<string, Promise<Look>>();
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    look: (target) => {
      const key = JSON.stringify(target);
      const pending = looks.get(key) ?? inTurn(() => lookAt(target, signal));
      looks.set(key, pending);
      return pending;
    },
  };

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= concurrentLooks) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  }
}

async function lookAt({ address, port, servername, ca }: LookTarget, signal: AbortSignal): Promise<Look> {
  if (isIP(address) === 0) return { kind: 'unreachable', reason: `${foreignText(address)} is not an IP address` };
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(lookTimeoutMs)]);
  return new Promise((resolve) => {
    let socket: TLSSocket;
    const end = (look: Look): void => {
      deadline.removeEventListener('abort', late);
      socket.destroy();
      resolve(look);
    };
    const fail = (reason: string): void => end({ kind: 'unreachable', reason });
    const late = (): void => fail(`no TLS handshake within ${lookTimeoutMs} ms`);
    try {
      socket = connect({
        host: address,
        port,
        // The certificate is only looked at: nothing is sent to this server.
        rejectUnauthorized: false,
        allowPartialTrustChain: true,
        ...(isIP(servername) === 0 ? { servername } : {}),
        ...(ca === undefined ? {} : { ca }),
        checkServerIdentity: () => undefined,
      });
    } catch (error) {
      resolve({ kind: 'unreachable', reason: foreignText(describeError(error)) });
      return;
    }
    guardServer(socket, `${address}:${port}`);
    deadline.addEventListener('abort', late, { once: true });
    if (deadline.aborted) late();
    socket.once('error', (error) => fail(foreignText(describeError(error))));
    socket.once('close', () => fail('the server closed the connection before the handshake was done'));
    socket.once('secureConnect', () => {
      const chain = chainOf(socket.getPeerCertificate(true));
      if (chain.length === 0) fail('the server shows no certificate');
      else end({ kind: 'shown', chain, ...problemsOf(socket, servername) });
    });
  });
}

function problemsOf(
  socket: TLSSocket,
  servername: string,
): { readonly chainProblem: string | undefined; readonly nameProblem: string | undefined } {
  const name = checkHostname(servername, socket.getPeerCertificate());
  const { authorizationError } = socket;
  return {
    chainProblem: socket.authorized ? undefined : inWords(authorizationError),
    nameProblem: name === undefined ? undefined : foreignText(name.message),
  };
}

/** OpenSSL's codes, as Node returns them, in Go's words. */
const unknownAuthority = 'signed by unknown authority';
const chainProblems: ReadonlyMap<string, string> = new Map([
  ['UNABLE_TO_GET_ISSUER_CERT', unknownAuthority],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', unknownAuthority],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', unknownAuthority],
  ['SELF_SIGNED_CERT_IN_CHAIN', unknownAuthority],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', `self-signed, ${unknownAuthority}`],
  ['CERT_HAS_EXPIRED', 'expired'],
  ['CERT_NOT_YET_VALID', 'not yet valid'],
]);

/** Node's types say Error; it is a code. */
function inWords(problem: unknown): string {
  if (typeof problem !== 'string') return foreignText(describeError(problem));
  return chainProblems.get(problem) ?? foreignText(problem);
}

function chainOf(leaf: DetailedPeerCertificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let current: DetailedPeerCertificate | undefined = leaf;
  while (current?.raw !== undefined && chain.length < chainLimit) {
    const { raw } = current;
    if (chain.some((known) => known.raw.equals(raw))) break;
    chain.push(new X509Certificate(raw));
    current = current.issuerCertificate;
  }
  return chain;
}

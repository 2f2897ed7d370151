/**
 * Proves to another process that this one is a server of the same pod: a challenge is answered by an HMAC whose key is
 * the ServiceAccount token of the pod, which its servers read from the same files. A name in Linux' abstract namespace
 * proves nothing: any process in the network namespace may hold it.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { createConnection, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** Returns the token as it is in its file now, or another secret that only servers of the pod have. */
export type PodSecret = () => string | undefined | Promise<string | undefined>;

/** `gone`: nothing listens at the name any more. */
export type ProofResult = 'proven' | 'unproven' | 'gone';

const challengeBytes = 32;
/** The bytes of SHA-256. */
const proofBytes = 32;
/** Milliseconds for a challenge with its answer. A server whose event loop is busy for longer fails its liveness probe soon. */
const proofTimeoutMs = 10_000;
/** The token may be renewed between the reads of both processes. */
const attempts = 2;

/** Answers one challenge and closes the connection. Never rejects. */
export async function answerChallenge(socket: Socket, name: string, secret: PodSecret): Promise<void> {
  socket.on('error', () => undefined);
  socket.setTimeout(proofTimeoutMs, () => socket.destroy());
  try {
    const key = await secret();
    const challenge = await readChallenge(socket);
    if (key !== undefined && challenge !== undefined) socket.end(proof(key, name, challenge));
    else socket.destroy();
  } catch {
    socket.destroy();
  }
}

/** Resolves with undefined where the peer closes before it has sent all of it. */
function readChallenge(socket: Socket): Promise<Buffer | undefined> {
  let read = Buffer.alloc(0);
  return new Promise((resolve) => {
    socket.on('close', () => resolve(undefined));
    socket.on('data', (chunk: Buffer) => {
      read = Buffer.concat([read, chunk]);
      if (read.length < challengeBytes) return;
      socket.pause();
      resolve(read.subarray(0, challengeBytes));
    });
  });
}

/** Challenges the process that listens at the path. Never rejects. */
export async function challengeHolder(path: string, name: string, secret: PodSecret): Promise<ProofResult> {
  const signal = AbortSignal.timeout(proofTimeoutMs);
  let result: ProofResult = 'unproven';
  for (let attempt = 0; attempt < attempts && result === 'unproven' && !signal.aborted; attempt += 1) {
    result = await challengeOnce(path, name, secret, signal);
  }
  return result;
}

async function challengeOnce(path: string, name: string, secret: PodSecret, signal: AbortSignal): Promise<ProofResult> {
  const challenge = randomBytes(challengeBytes);
  const socket = createConnection({ path, signal }).on('error', () => undefined);
  try {
    socket.write(challenge);
    const answer = await buffer(limited(socket));
    const key = await secret();
    if (key === undefined) return 'unproven';
    const expected = proof(key, name, challenge);
    return answer.length === expected.length && timingSafeEqual(answer, expected) ? 'proven' : 'unproven';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'gone' : 'unproven';
  } finally {
    socket.destroy();
  }
}

/** Ends behind the bytes of an answer, which a peer may follow with anything. */
async function* limited(socket: Socket): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const chunk of socket) {
    length += (chunk as Buffer).length;
    yield chunk as Buffer;
    if (length >= proofBytes) return;
  }
}

/** The name binds the proof to the pod and the cluster, the prefix to this use of the token. */
function proof(key: string, name: string, challenge: Buffer): Buffer {
  return createHmac('sha256', key).update(`kubegauge pod claim\n${name}\n`).update(challenge).digest();
}

/** The thread of the bystanders: one connection a lane, one request after the other. */
import { type ClientHttp2Session, connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { ask2 } from '../fakes/http2client.ts';
import { type BystanderOptions, bystanderToken, type Lane, lanes, type Seen } from './bystander.ts';

/** Between an answer and the next request, in milliseconds. */
const pauseMs = 5;
/** Between a refusal and the next attempt, in milliseconds. */
const backOffMs = 20;
/** One attempt, in milliseconds; then a new connection is made. */
const attemptMs = 10_000;

const path = '/apis/metrics.k8s.io/v1beta1/nodes';

interface Watched {
  longestMs: number;
  answered: number;
  refused: number;
  reason: string;
  /** When the request under way began; undefined during a pause. */
  beganMs: number | undefined;
}

const { port, ca, frontProxy } = workerData as BystanderOptions;
const watched = Object.fromEntries(lanes.map((lane) => [lane, fresh()])) as Record<Lane, Watched>;
let number = 0;

parentPort?.on('message', () => {
  parentPort?.postMessage(Object.fromEntries(lanes.map((lane) => [lane, takeLane(lane)])), []);
});
for (const lane of lanes) void run(lane);

function fresh(): Watched {
  return { longestMs: 0, answered: 0, refused: 0, reason: '', beganMs: undefined };
}

function takeLane(lane: Lane): Seen {
  const now = watched[lane];
  const underWayMs = now.beganMs === undefined ? 0 : performance.now() - now.beganMs;
  const seen = { ...now, longestMs: Math.max(now.longestMs, underWayMs) };
  Object.assign(now, fresh(), { beganMs: now.beganMs });
  return seen;
}

async function run(lane: Lane): Promise<never> {
  const mine = watched[lane];
  let session: ClientHttp2Session | undefined;
  for (;;) {
    mine.beganMs = performance.now();
    for (let refused = true; refused; ) {
      try {
        if (session === undefined || session.destroyed || session.closed) session = open(lane);
        const status = await within(ask2(session, path, headersOf(lane)));
        if (status !== 200) throw new Error(`status ${status}`);
        refused = false;
      } catch (error) {
        mine.refused += 1;
        mine.reason = error instanceof Error ? error.message : String(error);
        if (mine.reason === tooLong) session?.destroy();
        await sleep(backOffMs);
      }
    }
    mine.answered += 1;
    mine.longestMs = Math.max(mine.longestMs, performance.now() - mine.beganMs);
    mine.beganMs = undefined;
    await sleep(pauseMs);
  }
}

function open(lane: Lane): ClientHttp2Session {
  const certificate = lane === 'token' ? {} : frontProxy;
  const session = connect(`https://127.0.0.1:${port}`, { ca, servername: 'localhost', ...certificate });
  session.on('error', () => undefined);
  return session;
}

function headersOf(lane: Lane): Record<string, string> {
  number += 1;
  if (lane === 'token') return { authorization: `Bearer ${bystanderToken}${number}` };
  if (lane === 'reviewed') return { 'x-remote-user': `reviewed-${number}` };
  return { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
}

const tooLong = `no answer within ${attemptMs} ms`;

async function within(answer: Promise<{ readonly status: number }>): Promise<number> {
  const timer = Promise.withResolvers<never>();
  const timeout = setTimeout(() => timer.reject(new Error(tooLong)), attemptMs);
  try {
    return (await Promise.race([answer, timer.promise])).status;
  } finally {
    clearTimeout(timeout);
  }
}

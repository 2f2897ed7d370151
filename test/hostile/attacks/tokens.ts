/** Random tokens, each of which kube-apiserver has to be asked about. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientHttp2Session } from 'node:http2';
import { ask2, openSession } from '../../fakes/http2client.ts';
import type { Attack } from '../attack.ts';
import { bystanderToken } from '../bystander.ts';

const target = 'auth/';
const nodes = '/apis/metrics.k8s.io/v1beta1/nodes';
const connections = 30;
const attackMs = 3_000;
/** Milliseconds of a review of an unknown token, as by a webhook that hangs: longer than any other client may wait. */
const reviewMs = 6_000;

/** A token of the form of a ServiceAccount's. */
function jwt(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part({ iss: 'x', sub: randomBytes(8).toString('hex') })}.${randomBytes(256).toString('base64url')}`;
}

function random(name: string, token: () => string): Attack {
  return {
    name: `a stranger tries random ${name} as fast as they are refused, on ${connections} connections`,
    target,
    // A token that was never reviewed is no better than a random one until it is.
    alike: ['token'],
    // Half of what the attack lasts: without lanes of their own, known callers wait until its end.
    limits: { waitMs: attackMs / 2 },
    async run({ port, apiServer, signal }) {
      const { token: review } = apiServer.reviews;
      apiServer.reviews.token = async (each) => {
        if (!each.startsWith(bystanderToken)) await sleep(reviewMs, undefined, { signal }).catch(() => undefined);
        return review(each);
      };
      const endMs = performance.now() + attackMs;
      const answers = new Map<number, number>();
      await Promise.all(Array.from({ length: connections }, () => attack()));
      return `answered by ${[...answers].map(([status, count]) => `${status} (${count})`).join(', ')}`;

      async function attack(): Promise<void> {
        let session: ClientHttp2Session | undefined;
        while (performance.now() < endMs && !signal.aborted) {
          if (session === undefined || session.closed || session.destroyed) session = await openSession(port);
          const at = session;
          const status = await Promise.race([
            ask2(at, nodes, { authorization: `Bearer ${token()}` }).then(
              (answer) => answer.status,
              () => 0,
            ),
            sleep(attackMs, -1),
          ]);
          answers.set(status, (answers.get(status) ?? 0) + 1);
          if (status === 200) throw new Error('a random token was accepted');
        }
        session?.destroy();
      }
    },
  };
}

/** Requests that one result refuses. */
const sharedStreams = 60;
const sharedReviewMs = 500;

function oneToken(): Attack {
  return {
    name: `a stranger sends one invalid token on ${sharedStreams} streams of each of ${connections} connections`,
    target,
    // Its token was never reviewed, either.
    alike: ['token'],
    async run({ port, apiServer }) {
      const { token: review } = apiServer.reviews;
      apiServer.reviews.token = async (each) => {
        if (!each.startsWith(bystanderToken)) await sleep(sharedReviewMs);
        return review(each);
      };
      const sessions = await Promise.all(Array.from({ length: connections }, () => openSession(port)));
      const ask = (session: ClientHttp2Session) =>
        Array.from({ length: sharedStreams }, () => ask2(session, nodes, { authorization: 'Bearer invalid' }));
      for (const { status } of await Promise.all(sessions.flatMap(ask))) {
        if (status !== 401) throw new Error(`an invalid token is answered by ${status}`);
      }
    },
  };
}

export const attacks: readonly Attack[] = [
  random('words', () => randomBytes(16).toString('hex')),
  random('JWTs', jwt),
  oneToken(),
];

/** Stands before kube-apiserver for access reviews, and can make those of some users slow, or all fail. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { ControlPlane } from '../conformance/controlplane.ts';
import type { Credentials } from '../conformance/credentials.ts';
import { refuse } from '../fakes/apiread.ts';
import { listen } from '../fakes/listen.ts';

export interface Reviews extends AsyncDisposable {
  readonly url: string;
  /** From now on reviews whose text has this in it take so long. */
  slow(pattern: RegExp, ms: number): void;
  /** From now on all reviews are answered with 503. */
  fail(): void;
  /** None is slow or fails any more. */
  quick(): void;
  /** User agents whose reviews have failed since that was asked for. */
  readonly failed: ReadonlySet<string>;
  /** User agents whose reviews were made slow since that was asked for. */
  readonly slowed: ReadonlySet<string>;
}

export async function createReviews(controlPlane: ControlPlane, credentials: Credentials): Promise<Reviews> {
  let slow: { readonly pattern: RegExp; readonly ms: number } | undefined;
  const slowed = new Set<string>();
  let fails = false;
  const failed = new Set<string>();
  const agent = new Agent({ connect: { ca: credentials.clients.cert } });
  const certificate = credentials.clients.issue({ cn: 'reviews', ips: ['127.0.0.1'], usages: ['server'] });
  const server = createServer({ ...certificate, ALPNProtocols: ['http/1.1'] }, (incoming, outgoing) => {
    // The client may be gone by now.
    forward(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.on('tlsClientError', () => undefined);
  const port = await listen(server, 0);
  return {
    url: `https://127.0.0.1:${port}`,
    slow: (pattern, ms) => {
      slowed.clear();
      slow = { pattern, ms };
    },
    fail: () => {
      failed.clear();
      fails = true;
    },
    quick: () => {
      slow = undefined;
      fails = false;
    },
    slowed,
    failed,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await agent.destroy();
    },
  };

  async function forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    if (fails) {
      failed.add(incoming.headers['user-agent'] ?? '');
      refuse(outgoing, 503, 'reviews fail now');
      return;
    }
    // JSON or protobuf, the user's name is text.
    if (slow?.pattern.test(body.toString('latin1')) === true) {
      slowed.add(incoming.headers['user-agent'] ?? '');
      await sleep(slow.ms);
    }
    const { accept = '', authorization = '', 'content-type': type = '' } = incoming.headers;
    const answer = await request(controlPlane.url + (incoming.url ?? ''), {
      dispatcher: agent,
      method: 'POST',
      headers: { accept, authorization, 'content-type': type },
      body,
    });
    const headers = { 'content-type': String(answer.headers['content-type'] ?? '') };
    outgoing.writeHead(answer.statusCode, headers).end(await buffer(answer.body));
  }
}

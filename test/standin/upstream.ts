/** A server behind the aggregator: requests go there with other headers, answers come back as they are. */
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream';
import type { Issued } from '../fakes/certificates.ts';

export interface UpstreamOptions {
  readonly host: string;
  readonly port: number;
  /** PEM. */
  readonly ca: string;
  /** The name that its certificate must have. */
  readonly servername: string;
  /** Shown to it. */
  readonly client?: Issued;
}

export interface Upstream {
  /** Sends the request on and the answer back; 503 if nothing answers. */
  forward(request: IncomingMessage, response: ServerResponse, headers: OutgoingHttpHeaders): void;
  /** A request of the aggregator's own; undefined unless it is answered with 200 and JSON. */
  getJson(path: string, headers: OutgoingHttpHeaders): Promise<unknown>;
  close(): void;
}

const ownTimeoutMs = 5_000;

export function createUpstream({ client, ...target }: UpstreamOptions): Upstream {
  const agent = new Agent({ keepAlive: true, ...target, ...client });
  return { forward, getJson, close: () => agent.destroy() };

  function forward(incoming: IncomingMessage, response: ServerResponse, headers: OutgoingHttpHeaders): void {
    const { method, url: path } = incoming;
    const outgoing = httpsRequest({ agent, ...target, method, path, headers: endToEnd(headers) }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
      // A watch is silent for long: its head must not wait for its first event.
      response.flushHeaders();
      pipeline(answer, response, () => {});
    });
    outgoing.on('error', ({ message }) => {
      if (response.headersSent) response.destroy();
      else
        response
          .writeHead(503, { 'content-type': 'text/plain; charset=utf-8' })
          .end(`error trying to reach service: ${message}`);
    });
    response.on('close', () => outgoing.destroy());
    pipeline(incoming, outgoing, () => {});
  }

  async function getJson(path: string, headers: OutgoingHttpHeaders): Promise<unknown> {
    try {
      const outgoing = httpsRequest({ agent, ...target, path, headers, signal: AbortSignal.timeout(ownTimeoutMs) });
      outgoing.end();
      const [answer]: IncomingMessage[] = await once(outgoing, 'response');
      const body = answer === undefined ? undefined : await json(answer);
      return answer?.statusCode === 200 ? body : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Without what is only between two neighbours. */
function endToEnd(headers: IncomingHttpHeaders | OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hopByHop.has(name)));
}

const hopByHop: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding']);

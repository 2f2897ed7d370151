/**
 * A proxy in front of Prometheus that records what it is asked. It evaluates queries at whole seconds, at which the
 * counters have samples: rates are then exact, and two servers that ask within a second get the same.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { listen } from '../fakes/listen.ts';

export interface Recorded {
  readonly method: string;
  /** Such as `/api/v1/query`. */
  readonly path: string;
  readonly parameters: URLSearchParams;
  /** Since the epoch. */
  readonly atSeconds: number;
}

export interface Recorder extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly Recorded[];
  /** Answers in place of Prometheus, or returns false. */
  fault: ((request: Recorded, response: ServerResponse) => boolean) | undefined;
}

export async function startRecorder(prometheusUrl: string): Promise<Recorder> {
  const requests: Recorded[] = [];
  const server = createServer((request, response) => {
    forward(request, response).catch(() => response.destroy());
  });
  const port = await listen(server, 0);
  const recorder: Recorder = {
    url: `http://127.0.0.1:${port}`,
    requests,
    fault: undefined,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
  return recorder;

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', prometheusUrl);
    const parameters = new URLSearchParams(url.search);
    for (const [name, value] of new URLSearchParams(await text(request))) parameters.append(name, value);
    const atSeconds = Date.now() / 1000;
    const recorded = { method: request.method ?? '', path: url.pathname, parameters, atSeconds };
    requests.push(recorded);
    if (recorder.fault?.(recorded, response) === true) return;
    const asked = new URLSearchParams(parameters);
    if (url.pathname.endsWith('/query')) {
      asked.set('time', String(Math.floor(Number(asked.get('time') ?? Date.now() / 1000))));
    }
    const answer = await fetch(`${prometheusUrl}${url.pathname}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: asked.toString(),
    });
    const body = Buffer.from(await answer.arrayBuffer());
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(body);
  }
}

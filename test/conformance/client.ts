/** Asks a server one question, as anybody, over HTTP/1.1 or HTTP/2, and hands over all of the answer. */
import { once } from 'node:events';
import { connect } from 'node:http2';
import { Agent, request } from 'undici';
import type { CertificateName, Credentials } from './credentials.ts';
import type { Tokens } from './objects.ts';
import type { Server } from './servers.ts';

/** `admin` is a cluster administrator behind the front proxy; `anonymous` shows nothing; the others show that certificate. */
export type Caller = 'admin' | 'anonymous' | CertificateName;

export interface Question {
  readonly path: string;
  readonly method?: string;
  readonly as?: Caller;
  /** Lines as they are sent; a name may come twice. Texts go out as UTF-8. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Which bearer token is sent. */
  readonly token?: keyof Tokens;
  readonly body?: string;
  readonly http2?: boolean;
}

export interface Answer {
  readonly status: number;
  /** By lower-case name; lines of one name are joined by a newline, so that two stay two. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

export interface Client extends AsyncDisposable {
  ask(server: Pick<Server, 'port'>, question: Question): Promise<Answer>;
}

const userAgent = 'lab/1.0';
const timeoutMs = 20_000;

export function createClient(credentials: Credentials, tokens: Tokens): Client {
  const agents = new Map<Caller, Agent>();
  return {
    ask: (server, question) => (question.http2 === true ? askHttp2(server, question) : askHttp1(server, question)),
    [Symbol.asyncDispose]: async () => {
      for (const agent of agents.values()) await agent.destroy();
    },
  };

  async function askHttp1(server: Pick<Server, 'port'>, question: Question): Promise<Answer> {
    const answer = await request(`https://127.0.0.1:${server.port}${question.path}`, {
      dispatcher: agentFor(question.as ?? 'admin'),
      // undici's list of methods is only that of its types.
      method: (question.method ?? 'GET') as 'GET',
      headers: linesOf(question).flatMap(([name, value]) => [name, latin1(value)]),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      ...(question.body === undefined ? {} : { body: question.body }),
    });
    const headers = new Map<string, string>();
    for (const [name, value] of Object.entries(answer.headers)) {
      if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join('\n') : value);
    }
    return { status: answer.statusCode, headers, body: Buffer.from(await answer.body.arrayBuffer()) };
  }

  async function askHttp2(server: Pick<Server, 'port'>, question: Question): Promise<Answer> {
    const session = connect(`https://127.0.0.1:${server.port}`, {
      rejectUnauthorized: false,
      maxSendHeaderBlockLength: 2 * 1024 * 1024,
      ...tlsFor(question.as ?? 'admin'),
    });
    try {
      await once(session, 'connect');
      const headers: Record<string, string | string[]> = {
        ':method': question.method ?? 'GET',
        ':path': question.path,
      };
      for (const [name, value] of linesOf(question)) {
        const before = headers[name.toLowerCase()];
        headers[name.toLowerCase()] = before === undefined ? latin1(value) : [before, latin1(value)].flat();
      }
      const stream = session.request(headers, { endStream: false });
      stream.setTimeout(timeoutMs, () => stream.destroy(new Error('no answer in time')));
      stream.end(question.body ?? '');
      const [received] = (await once(stream, 'response')) as [Record<string, string | string[] | number | undefined>];
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      const answered = new Map<string, string>();
      for (const [name, value] of Object.entries(received)) {
        if (!name.startsWith(':') && value !== undefined) answered.set(name, [value].flat().join('\n'));
      }
      return { status: Number(received[':status']), headers: answered, body: Buffer.concat(chunks) };
    } finally {
      session.destroy();
    }
  }

  function linesOf({ as = 'admin', headers = [], token }: Question): (readonly [string, string])[] {
    const lines = [...headers];
    if (as === 'admin') lines.push(['X-Remote-User', 'admin'], ['X-Remote-Group', 'system:masters']);
    if (token !== undefined) lines.push(['Authorization', `Bearer ${tokens[token]}`]);
    if (!lines.some(([name]) => name.toLowerCase() === 'user-agent')) lines.push(['User-Agent', userAgent]);
    return lines;
  }

  function agentFor(caller: Caller): Agent {
    const existing = agents.get(caller);
    if (existing !== undefined) return existing;
    const agent = new Agent({ allowH2: false, connect: { rejectUnauthorized: false, ...tlsFor(caller) } });
    agents.set(caller, agent);
    return agent;
  }

  function tlsFor(caller: Caller): { readonly cert?: string; readonly key?: string } {
    if (caller === 'anonymous') return {};
    return credentials.certificates[caller === 'admin' ? 'front-proxy' : caller];
  }
}

/** Header bytes are UTF-8; Node writes each character as one byte. */
const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

/** One HTTPS request to one kubelet, over a connection that is kept for the next one. */
import { checkServerIdentity } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { Client } from 'undici';
import { userAgent } from '../version.ts';
import { type Attempt, BodyTooLargeError, KubeletError } from './failure.ts';

/** What kubelets are checked against and what is shown to them; a new object whenever something in it changed. */
export interface KubeletTls {
  /** PEM bundle; undefined means the system's. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly insecure: boolean;
}

export interface KubeletClientOptions {
  readonly tls: () => KubeletTls;
  /** The Authorization header's value. */
  readonly authorization: () => Promise<string | undefined>;
  /** Plain HTTP without credentials. */
  readonly plainHttp: boolean;
  readonly requestTimeoutMs: number;
}

export interface KubeletRequest {
  readonly node: string;
  /** Name or address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** With its query. */
  readonly path: string;
  readonly accept: string;
  /** Whether to ask for a compressed body. */
  readonly gzip: boolean;
}

export interface KubeletResponse {
  /** Who answered: host and port as in a URL. */
  readonly address: string;
  readonly status: number;
  readonly contentType: string;
  /** The node's clock when it answered, whole seconds, in milliseconds since the epoch; undefined without a Date header. */
  readonly dateMs: number | undefined;
  /** Uncompressed. */
  readonly body: Buffer;
  /** Bytes of the body on the wire. */
  readonly wireBytes: number;
}

export interface KubeletClient extends AsyncDisposable {
  /** @throws KubeletError when no whole answer came; any status is an answer. */
  fetch(request: KubeletRequest, signal: AbortSignal): Promise<KubeletResponse>;
  /** Closes the connection of a node that left. */
  release(node: string): void;
}

/** 110 pods of two containers are 12 MB of text, leaked cgroups were seen to make it 128 MB; more than this is a mistake, not a metric. */
export const bodyLimitBytes = 64 * 1024 * 1024;
/** Kubelets close a connection that was idle for 90 s; ours goes first. */
const keepAliveMs = 80_000;
const headerLimitBytes = 64 * 1024;

export function createKubeletClient(options: KubeletClientOptions): KubeletClient {
  const connections = new Map<string, Connection>();
  const scheme = options.plainHttp ? 'http' : 'https';
  return { fetch, release, [Symbol.asyncDispose]: dispose };

  async function fetch(request: KubeletRequest, signal: AbortSignal): Promise<KubeletResponse> {
    const deadline = AbortSignal.timeout(options.requestTimeoutMs);
    const limit = AbortSignal.any([signal, deadline]);
    try {
      return await exchange(connectionTo(request), request, limit);
    } catch (cause) {
      if (cause instanceof KubeletError) throw cause;
      throw new KubeletError(attemptOf(request), signal.aborted ? 'given up, the server stops' : 'no answer', {
        cause,
      });
    }
  }

  async function exchange(client: Client, request: KubeletRequest, signal: AbortSignal): Promise<KubeletResponse> {
    const authorization = options.plainHttp ? undefined : await options.authorization();
    const { statusCode, headers, body } = await client.request({
      method: 'GET',
      path: request.path,
      headers: {
        'user-agent': userAgent,
        accept: request.accept,
        'accept-encoding': request.gzip ? 'gzip' : 'identity',
        ...(authorization === undefined ? {} : { authorization }),
      },
      signal,
    });
    const chunks: Buffer[] = [];
    let wireBytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      wireBytes += chunk.length;
      if (wireBytes > bodyLimitBytes) throw tooLarge(attemptOf(request));
      chunks.push(chunk);
    }
    const whole = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, wireBytes);
    return {
      address: authority(request),
      status: statusCode,
      contentType: headerText(headers['content-type']),
      dateMs: parseDate(headerText(headers.date)),
      body: headerText(headers['content-encoding']) === 'gzip' ? inflate(whole, attemptOf(request)) : whole,
      wireBytes,
    };
  }

  function attemptOf(request: KubeletRequest): Attempt {
    return { node: request.node, address: authority(request), timeoutMs: options.requestTimeoutMs };
  }

  function connectionTo(request: KubeletRequest): Client {
    const tls = options.tls();
    const target = authority(request);
    const held = connections.get(request.node);
    if (held !== undefined && held.target === target && held.tls === tls) return held.client;
    // A request under way on the old connection still ends well: close() waits for it.
    void held?.client.close();
    const client = connect(request, target, tls);
    connections.set(request.node, { client, target, tls });
    return client;
  }

  function connect(request: KubeletRequest, target: string, tls: KubeletTls): Client {
    return new Client(`${scheme}://${target}`, {
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      maxHeaderSize: headerLimitBytes,
      headersTimeout: options.requestTimeoutMs,
      bodyTimeout: options.requestTimeoutMs,
      connect: {
        timeout: options.requestTimeoutMs,
        rejectUnauthorized: !tls.insecure,
        // A resumed session would skip the check of the name.
        maxCachedSessions: 0,
        checkServerIdentity: (host, certificate) =>
          checkServerIdentity(host, certificate) === undefined
            ? undefined
            : // Self-signed and many CSR-signed kubelet certificates name the node, not its IP.
              checkServerIdentity(request.node, certificate),
        ...(tls.ca === undefined ? {} : { ca: tls.ca }),
        ...(tls.cert === undefined ? {} : { cert: tls.cert }),
        ...(tls.key === undefined ? {} : { key: tls.key }),
      },
    });
  }

  function release(node: string): void {
    void connections.get(node)?.client.destroy();
    connections.delete(node);
  }

  async function dispose(): Promise<void> {
    await Promise.all([...connections.values()].map(({ client }) => client.destroy()));
    connections.clear();
  }
}

interface Connection {
  readonly client: Client;
  readonly target: string;
  readonly tls: KubeletTls;
}

function authority({ host, port }: KubeletRequest): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function inflate(body: Buffer, attempt: Attempt): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: bodyLimitBytes, chunkSize: inflateChunkBytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(attempt);
    throw new KubeletError(attempt, 'the compressed body is broken', { cause });
  }
}

/** Larger steps than zlib's 16 KB; bodies of a megabyte are usual. */
const inflateChunkBytes = 128 * 1024;

function tooLarge(attempt: Attempt): BodyTooLargeError {
  return new BodyTooLargeError(attempt, `the body is larger than ${bodyLimitBytes} bytes`);
}

function headerText(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

function parseDate(text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

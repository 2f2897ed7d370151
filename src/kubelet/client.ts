/** Sends HTTPS requests to kubelets, over one connection per node. */
import type { Resolve } from '../dns/address.ts';
import { systemResolver } from '../dns/systemresolver.ts';
import { keepSecret } from '../foreigntext.ts';
import { type Attempt, CredentialsError, type KubeletRoute } from './explain/kubeleterror.ts';
import { type GetResponse, withinDeadline } from './http/exchange.ts';
import { chooseInflater } from './http/inflate.ts';
import type { KubeletTls } from './http/kubelettls.ts';
import type { RequestDeadline } from './http/requestdeadline.ts';
import { type HttpClient, type KubeletVerification, type NodeConnection, NodeConnections } from './nodeconnections.ts';
import type { CheckPin } from './pins/proof.ts';
import { authority, type KubeletRequest } from './request.ts';

export interface KubeletClientOptions {
  readonly tls: () => KubeletTls;
  readonly authorization: () => string | undefined | Promise<string | undefined>;
  /** Plain HTTP without credentials. */
  readonly plainHttp: boolean;
  readonly requestTimeoutMs: number;
  /** Default: the system's configuration. */
  readonly resolve?: Resolve | undefined;
  readonly httpClient?: HttpClient | undefined;
  /** False overrides requests. Default: true. */
  readonly compression?: boolean | undefined;
  /** With it, a self-signed certificate is verified by its pinned key. */
  readonly checkPin?: CheckPin | undefined;
}

export interface KubeletResponse extends GetResponse, KubeletRoute {
  readonly verifiedBy: KubeletVerification;
}

export interface KubeletClient extends AsyncDisposable {
  /** Resolves for any status. @throws KubeletError without a whole response. */
  fetch(request: KubeletRequest, signal: AbortSignal): Promise<KubeletResponse>;
  /** Closes a removed node's connection. */
  release(node: string): void;
}

export function createKubeletClient(options: KubeletClientOptions): KubeletClient {
  const { plainHttp, requestTimeoutMs, tls, httpClient = 'built-in', compression = true } = options;
  const makeInflater = chooseInflater();
  const resolve = options.resolve ?? systemResolver().resolve;
  const { checkPin } = options;
  const connections = new NodeConnections({
    tls,
    plainHttp,
    requestTimeoutMs,
    resolve,
    httpClient,
    makeInflater,
    checkPin,
  });
  return {
    fetch,
    release: (node) => connections.release(node),
    [Symbol.asyncDispose]: () => connections.destroy(),
  };

  function fetch(request: KubeletRequest, signal: AbortSignal): Promise<KubeletResponse> {
    const attempt: Attempt = {
      via: 'kubelet',
      address: authority(request),
      node: request.node,
      timeoutMs: requestTimeoutMs,
    };
    return withinDeadline(attempt, signal, (deadline) => {
      // Before connecting: credentials may come from a plugin that hangs, and may bring a certificate.
      const authorization = plainHttp ? undefined : authorize(attempt);
      if (!(authorization instanceof Promise)) return send(request, attempt, authorization, deadline);
      return deadline.until(authorization).then((value) => send(request, attempt, value, deadline));
    });
  }

  function authorize(attempt: Attempt): string | undefined | Promise<string | undefined> {
    const fail = (cause: unknown) => {
      throw new CredentialsError(attempt, { cause });
    };
    try {
      const authorization = options.authorization();
      return authorization instanceof Promise ? authorization.catch(fail) : authorization;
    } catch (cause) {
      return fail(cause);
    }
  }

  function connectionOf(request: KubeletRequest, attempt: Attempt): NodeConnection {
    try {
      return connections.of(request);
    } catch (cause) {
      throw new CredentialsError(attempt, { cause });
    }
  }

  async function send(
    request: KubeletRequest,
    attempt: Attempt,
    authorization: string | undefined,
    deadline: RequestDeadline,
  ): Promise<KubeletResponse> {
    keepSecret(authorization);
    const { connection, verifiedBy } = connectionOf(request, attempt);
    const { path, accept, onBody } = request;
    const gzip = request.gzip && compression && makeInflater !== undefined;
    const get = { path, accept, gzip, authorization, ...(onBody === undefined ? {} : { onBody }) };
    const { status, contentType, dateMs, body, wireBytes } = await connection.send(get, attempt, deadline);
    const { via, address } = attempt;
    return { status, contentType, dateMs, body, wireBytes, via, address, verifiedBy: verifiedBy() };
  }
}

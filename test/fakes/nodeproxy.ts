/** The node proxy of the fake API server: passes requests on to a node's kubelet, with credentials of its own, as kube-apiserver does. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { refuse } from './apiread.ts';

export interface KubeletEndpoint {
  readonly port: number;
  /** PEM of the authority that its certificate is from. */
  readonly ca: string;
  /** Credential of kube-apiserver: a token, as the fake kubelet accepts no client certificates. */
  readonly token: string;
}

/** Whether it was a request to a node's proxy; it is answered then. */
export function forwardToKubelet(
  kubelets: ReadonlyMap<string, KubeletEndpoint>,
  incoming: IncomingMessage,
  response: ServerResponse,
): boolean {
  const { node, path } =
    /^\/api\/v1\/nodes\/(?<node>[^/]+)\/proxy(?<path>\/.*)$/.exec(incoming.url ?? '')?.groups ?? {};
  if (node === undefined || path === undefined) return false;
  const kubelet = kubelets.get(node);
  if (kubelet === undefined) {
    refuse(response, 404, `nodes "${node}" not found`);
    return true;
  }
  // The user's Authorization header stays here, as kube-apiserver strips it once it knows who it is.
  const { authorization: _, host: __, connection: ___, ...headers } = incoming.headers;
  const outgoing = httpsRequest({
    host: '127.0.0.1',
    port: kubelet.port,
    path,
    method: incoming.method,
    headers: { ...headers, authorization: `Bearer ${kubelet.token}` },
    ca: kubelet.ca,
    agent: false,
  });
  outgoing.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.on('error', () => response.destroy()).pipe(response);
  });
  outgoing.on('error', (error) => {
    if (response.headersSent) response.destroy();
    else refuse(response, 503, `error trying to reach service: ${error.message}`);
  });
  response.on('close', () => outgoing.destroy());
  outgoing.end();
  return true;
}

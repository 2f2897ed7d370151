/** Asks a server as kube-apiserver does for its clients: on one HTTP/2 connection that stays, with its own certificate, and in headers who it asks for. */
import { field, items } from '../../src/client/json.ts';
import type { Credentials } from '../conformance/credentials.ts';
import type { Server } from '../conformance/servers.ts';
import { type Answer2, ask2, openSession } from '../fakes/http2client.ts';

export interface Aggregator extends Disposable {
  /**
   * For JSON, as Go's clients ask.
   * @throws Error for any answer but 200.
   */
  get(path: string, user: User): Promise<string>;
  /** The items of a list, likewise. */
  list(path: string, user: User): Promise<readonly unknown[]>;
  /** Any answer will do; a large one is in its own encoding. */
  ask(path: string, user: User, headers?: Readonly<Record<string, string>>): Promise<Answer2>;
}

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

/** Allowed everything without asking kube-apiserver. */
export const administrator: User = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };

/** Allowed by a review, which servers keep for a while. */
export const autoscaler: User = {
  name: 'system:serviceaccount:kube-system:horizontal-pod-autoscaler',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
};

export const metricsPath = '/apis/metrics.k8s.io/v1beta1';

export async function connectAggregator(
  { port }: Pick<Server, 'port'>,
  { certificates }: Credentials,
): Promise<Aggregator> {
  const session = await openSession(port, certificates['front-proxy']);
  return {
    get,
    list: async (path, user) => items(field(JSON.parse(await get(path, user)), 'items')),
    ask,
    [Symbol.dispose]: () => session.destroy(),
  };

  async function get(path: string, user: User): Promise<string> {
    const { status, text } = await ask(path, user);
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return text;
  }

  function ask(path: string, user: User, headers: Readonly<Record<string, string>> = {}): Promise<Answer2> {
    return ask2(session, path, { ...headersOf(user), ...headers });
  }
}

/** Those of a request for JSON on behalf of the user. */
export function headersOf({ name, groups }: User): Readonly<Record<string, string | readonly string[]>> {
  return { accept: 'application/json', 'x-remote-user': name, 'x-remote-group': groups };
}

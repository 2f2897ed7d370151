/** Who may come in and what they may do: enough of authentication and RBAC for a cluster of four users. */
import type { PeerCertificate } from 'node:tls';

export interface User {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
}

export interface Users {
  /** Undefined for an unknown token. */
  byToken(token: string): User | undefined;
  /** As for any client certificate: the common name is the user, organisations are groups. */
  byCertificate(certificate: PeerCertificate): User | undefined;
}

const serviceAccount = (namespace: string, name: string): User => ({
  username: `system:serviceaccount:${namespace}:${name}`,
  uid: `standin-${namespace}-${name}`,
  groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
});

/** The account of the server itself, and one that may read metrics, as for a dashboard. */
export const serverUser = serviceAccount('kube-system', 'kubegauge');
export const readerUser = serviceAccount('default', 'reader');

/** The account of the controller that scales, as kube-controller-manager has it. */
export const autoscalerUser = serviceAccount('kube-system', 'horizontal-pod-autoscaler');

/** @param tokens each user's, by their text. */
export function createUsers(tokens: ReadonlyMap<string, User>): Users {
  return {
    byToken: (token) => tokens.get(token),
    byCertificate({ subject }) {
      const name: string | undefined = [subject?.CN].flat()[0];
      if (name === undefined) return undefined;
      return { username: name, uid: '', groups: [...[subject.O ?? []].flat(), 'system:authenticated'] };
    },
  };
}

/** Attributes of a SubjectAccessReview. */
export interface AccessQuestion {
  readonly user: string;
  readonly groups: readonly string[];
  /** API group of the resource. */
  readonly group: string;
  readonly verb: string;
  /** The path of a request that is not about a resource. */
  readonly path?: string;
}

/** Everything for administrators; metrics for the autoscaler and the reader, for this one also the paths of discovery; its own state for the server, for `kubegauge status`. */
export function isAllowed({ user, groups, group, verb, path }: AccessQuestion): boolean {
  if (groups.includes('system:masters')) return true;
  if (user === serverUser.username) return path === '/status' && verb === 'get';
  const readsMetrics = metricGroups.has(group) && (verb === 'get' || verb === 'list');
  if (user === autoscalerUser.username) return readsMetrics;
  if (user !== readerUser.username) return false;
  if (path !== undefined) return verb === 'get' && readable.test(path);
  return readsMetrics;
}

const metricGroups: ReadonlySet<string> = new Set(['metrics.k8s.io', 'custom.metrics.k8s.io']);
const readable = /^\/(?:(?:apis?|openapi|healthz|livez|readyz|version|metrics|status)(?:\/.*)?)?$/;

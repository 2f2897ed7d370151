/** Checks that users who are no administrators may read metrics. */
import { field, items, texts } from '../../client/json.ts';
import type { CheckContext } from '../check.ts';
import type { Finding } from '../finding.ts';
import { withInput } from '../remedy.ts';
import { metricsGroup } from './registration.ts';

const rolesPath = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
const aggregatedTo = 'rbac.authorization.k8s.io/aggregate-to';

/** As manifests/base has it. kube-controller-manager adds its rules to the roles of users. */
const readers = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: {
    name: 'system:aggregated-metrics-reader',
    labels: {
      'k8s-app': 'metrics-server',
      ...Object.fromEntries(['view', 'edit', 'admin'].map((role) => [`${aggregatedTo}-${role}`, 'true'])),
    },
  },
  rules: [{ apiGroups: [metricsGroup], resources: ['pods', 'nodes'], verbs: ['get', 'list'] }],
};

/** From outside only: the server may not read roles. A cluster without RBAC has no role `view`. @throws UncheckedError. */
export async function* checkReaders({ api, place }: CheckContext): AsyncIterable<Finding> {
  const view = place === 'outside' ? await api.get(`${rolesPath}/view`) : undefined;
  if (view === undefined || items(field(view, 'rules')).some(readsPods)) return;
  yield {
    code: 'readers-missing',
    severity: 'warning',
    object: 'ClusterRole view',
    problem: `it does not include ${metricsGroup}, so kubectl top works for administrators only: users with view, edit or admin in their namespace get 403`,
    remedy: withInput('kubectl apply -f -', JSON.stringify(readers)),
  };
}

function readsPods(rule: unknown): boolean {
  const has = (member: string, ...wanted: readonly string[]) => {
    const values = texts(field(rule, member));
    return values.includes('*') || wanted.every((each) => values.includes(each));
  };
  return has('apiGroups', metricsGroup) && has('resources', 'pods') && has('verbs', 'get', 'list');
}

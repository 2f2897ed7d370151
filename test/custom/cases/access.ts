/** Access to metrics: answers, and the reviews that are sent for them. */
import { C, type CustomCase, exchange, type Watch, X } from '../case.ts';

const as = (user: string, group = 'dev') =>
  ({
    as: 'front-proxy',
    headers: [
      ['X-Remote-User', user],
      ['X-Remote-Group', group],
    ],
  }) as const;
const alice = as('alice');
const shop = `${C}/namespaces/shop`;
const m = 'http_requests_per_second';

/** Each has a user of its own: what was decided is remembered. */
function reviewed(statements: readonly number[], path: string): CustomCase {
  return {
    statements,
    name: `review of ${path}`,
    probe: async ({ ask, reviews, name }: Watch) => {
      const user = `reviewed ${name}`;
      const sent = await reviews(() => ask({ path, ...as(`${user} ${path}`) }));
      if (sent.length === 0) throw new Error('no review has reached kube-apiserver');
      return JSON.parse(JSON.stringify(sent).replaceAll(user, '<user>'));
    },
  };
}

export const access: readonly CustomCase[] = [
  exchange(60, `${shop}/pods/*/${m}`, 200, alice),
  exchange(60, `${shop}/pods/web-0/${m}`, 200, alice),
  exchange([59, 60], `${shop}/pods/*/inflight`, 403, alice),
  exchange([59, 60], `${C}/namespaces/bank/pods/*/${m}`, 403, alice),
  exchange(59, `${shop}/metrics/${m}`, 403, alice),
  exchange(59, `${C}/nodes/node-a/node_temperature`, 403, alice),
  exchange(59, `${C}/nodes/*/node_temperature`, 403, alice),
  exchange(59, `${shop}/deployments.apps/web/deploy_lag`, 403, alice),
  exchange(59, `${X}/namespaces/shop/queue_depth`, 403, alice),
  exchange(59, `${X}/namespaces/shop/queue_depth?labelSelector=queue%3Dorders`, 403, alice),
  exchange(59, `${X}/namespaces/shop/queue_depth?watch=1`, 403, alice),
  exchange(61, `${shop}/pods/*/nope`, 403, alice),
  exchange(59, C, 200, { ...as('alice', 'system:authenticated'), compare: { pick: () => 'discovery' } }),
  exchange(60, `${shop}/pods/*/${m}?watch=1`, 200, alice),
  exchange(59, `${shop}/pods/*/${m}?fieldSelector=metadata.name%3Dx`, 400, alice),
  exchange(59, `${shop}/pods/web-0/${m}`, 403, { ...alice, method: 'POST' }),
  exchange(59, `${shop}/pods`, 403, alice),
  exchange(59, `${shop}/pods/web-0`, 403, alice),
  exchange(59, `${shop}/pods/*/${m}`, 403, { as: 'anonymous' }),
  reviewed([56], `${shop}/pods/*/${m}`),
  reviewed([56], `/apis/custom.metrics.k8s.io/v1beta1/namespaces/shop/pods/web-0/${m}`),
  reviewed([56], `${C}/nodes/node-a/node_temperature`),
  reviewed([57], `${shop}/metrics/${m}`),
  reviewed([58], `${X}/namespaces/shop/queue_depth`),
  reviewed([58], `${X}/namespaces/shop/queue_depth?watch=1`),
  reviewed([59], C),
];

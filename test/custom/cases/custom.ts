/** Reads of custom metrics: objects, selectors, namespaces, values. */
import { C, C1, type CustomCase, exchange } from '../case.ts';
import { anyOf, explained, leftOut, notFound, refused } from '../differences.ts';

const shop = `${C}/namespaces/shop`;
const m = 'http_requests_per_second';
const enc = encodeURIComponent;
const label = (selector: string) => `labelSelector=${enc(selector)}`;
const metric = (selector: string) => `metricLabelSelector=${enc(selector)}`;
const one = (selector: string) => `${shop}/pods/web-0/${m}?${metric(selector)}`;
const badKey = (key: string) =>
  refused(
    'labelName',
    400,
    `metricLabelSelector: "${key}" is not the name of a metric's label: use letters, digits and underscores`,
  );

export const custom: readonly CustomCase[] = [
  exchange([1, 3, 4, 7, 10, 77], `${shop}/pods/web-0/${m}`, 200),
  exchange([2, 4], `${C1}/namespaces/shop/pods/web-0/${m}`, 200),
  exchange([11, 12, 13, 77], `${shop}/pods/*/${m}`, 200),
  exchange(11, `${shop}/pods/%2A/${m}`, 200),
  exchange(2, `${C1}/namespaces/shop/pods/*/${m}`, 200),
  exchange(12, `${shop}/pods/*/${m}?${label('app=web')}`, 200),
  exchange(12, `${shop}/pods/*/${m}?${label('app in (web,idle)')}`, 200),
  exchange(15, `${shop}/pods/*/${m}?${label('app=none')}`, 404),
  exchange([14, 77], `${shop}/pods/*/${m}?${label('app=idle')}`, 200),
  exchange(31, `${shop}/pods/*/${m}?${label('a===b')}`, 400),
  exchange(30, `${shop}/pods/web-0/${m}?${label('app=none')}`, 200),
  exchange([8, 78], `${shop}/pods/*/${m}?${metric('method=GET')}`, 200),
  exchange([2, 8], `${C1}/namespaces/shop/pods/*/${m}?${metric('method=GET')}`, 200),
  exchange(9, `${shop}/pods/*/${m}?${metric('method!=GET')}`, 500, {
    differs: {
      row: 'notEqual',
      ours: (real) => ({
        ...real,
        status: 200,
        body: {
          kind: 'MetricValueList',
          apiVersion: 'custom.metrics.k8s.io/v1beta2',
          metadata: {},
          items: [
            {
              describedObject: { kind: 'Pod', namespace: 'shop', name: 'web-0', apiVersion: '/v1' },
              metric: {
                name: m,
                selector: { matchExpressions: [{ key: 'method', operator: 'NotIn', values: ['GET'] }] },
              },
              timestamp: '<timestamp>',
              value: '2',
            },
          ],
        },
      }),
    },
  }),
  exchange(8, `${shop}/pods/*/${m}?${metric('method in (GET,POST)')}`, 200),
  exchange(8, one('method in (GET)'), 200),
  exchange(8, one('method notin (GET)'), 200),
  exchange(8, one('method'), 200),
  exchange([8, 17], one('!method'), 404),
  exchange(34, one('method>5'), 404, {
    differs: refused(
      'badSelector',
      400,
      'metricLabelSelector: metrics cannot be selected by < and >: use =, !=, in, notin or exists',
    ),
  }),
  exchange(32, one('a===b'), 500, {
    differs: refused('badSelector', 400, "unable to parse requirement: found '=', expected: identifier"),
  }),
  exchange(32, one('path=/buy'), 500, {
    differs: refused('badSelector', 400, 'unable to parse requirement: values[0][path]: Invalid value: "/buy"'),
  }),
  exchange(33, one('app.kubernetes.io/name=x'), 500, { differs: badKey('app.kubernetes.io/name') }),
  exchange(33, one('a-b=x'), 500, { differs: badKey('a-b') }),
  exchange(8, one('method in (G.T,X)'), 200, {
    differs: {
      row: 'exactValues',
      isOfOwnQueries: true,
      ours: (real) => ({
        ...real,
        status: 404,
        body: notFound(`the server could not find the metric ${m} for pods web-0`),
      }),
    },
  }),
  exchange(78, one('namespace=bank'), 404),
  exchange(78, `${shop}/pods/*/${m}?${metric('pod=web-1')}`, 200),
  exchange(78, one('method=GET,path'), 200),
  exchange(78, one('path,method=GET'), 200),
  exchange(8, one('method='), 404),
  exchange([8, 12], `${shop}/pods/*/${m}?${label('app=web')}&${metric('method=POST')}`, 200),
  exchange([6, 21], `${shop}/metrics/${m}`, 200),
  exchange([2, 21], `${C1}/namespaces/shop/metrics/${m}`, 200),
  exchange(22, `${C}/namespaces/*/metrics/ns_budget`, 200),
  exchange(22, `${C}/namespaces/*/metrics/ns_budget?${label('team=a')}`, 200),
  exchange(26, `${shop}/ns_budget`, 400),
  exchange(26, `${C}/namespaces/*/ns_budget`, 400),
  exchange(21, `${shop}/metrics/ns_budget`, 200),
  exchange([6, 23], `${C}/nodes/node-a/node_temperature`, 200),
  exchange(23, `${C}/nodes/*/node_temperature`, 200),
  exchange(23, `${C}/nodes/*/node_temperature?${label('zone=z1')}`, 200),
  exchange(19, `${C}/node/node-a/node_temperature`, 200),
  exchange([18, 19], `${C}/no/node-a/node_temperature`, 404),
  exchange(24, `${shop}/nodes/node-a/node_temperature`, 404),
  exchange(5, `${shop}/deployments.apps/web/deploy_lag`, 200),
  exchange(5, `${shop}/deployments/web/deploy_lag`, 200),
  exchange([18, 19], `${shop}/deployments.v1.apps/web/deploy_lag`, 404),
  exchange(5, `${shop}/deployments.apps/*/deploy_lag`, 200),
  exchange(4, `${shop}/services/web/svc_latency_seconds`, 200),
  exchange(6, `${C}/persistentvolumes/pv-1/pv_fill`, 200),
  exchange(6, `${C}/persistentvolumes/*/pv_fill`, 200),
  exchange(19, `${shop}/pod/web-0/${m}`, 200),
  exchange(19, `${shop}/PODS/*/${m}`, 200),
  exchange(19, `${shop}/Pod./web-0/${m}`, 200),
  exchange(19, `${shop}/deployments.app/web/deploy_lag`, 200),
  exchange(19, `${shop}/Deployments.Apps/web/deploy_lag`, 404),
  exchange(17, `${C}/namespaces/shop%20/pods/web-0/${m}`, 404, {
    differs: { row: 'noName', queries: 'none', ours: (real) => real },
  }),
  exchange(25, `${C}/pods/*/${m}`, 404),
  exchange(25, `${C}/pods/web-0/${m}`, 404),
  exchange(87, `${shop}/pods/web-0/kube_pod_count`, 200),
  exchange(87, `${shop}/deployments.apps/web/kube_pod_count`, 200),
  exchange(89, `${shop}/pods/web-0/dup`, 200),
  exchange(65, `${shop}/pods/web-0/inflight`, 200),
  exchange(65, `${shop}/pods/*/inflight`, 200),
  exchange(66, `${shop}/pods/web-0/without_groupby`, 404),
  exchange(66, `${shop}/pods/*/without_groupby`, 200),
  exchange(79, `${shop}/pods/*/all_template_fields?${label('app=web')}`, 200),
  exchange(79, `${shop}/pods/web-0/all_template_fields`, 200),
  exchange(91, `${shop}/pods/web-0/not_namespaced`, 200),
  exchange(77, `${shop}/pods/a.b/dotted`, 200),
  exchange(77, `${shop}/pods/*/dotted?${label('app=dots')}`, 200),
  exchange(64, `${shop}/pods/*/odd_nan`, 200, { differs: leftOut('web-0') }),
  exchange(64, `${shop}/pods/*/odd_inf`, 200, { differs: leftOut('web-0', 'web-1') }),
  exchange(62, `${shop}/pods/*/odd_neg`, 200),
  exchange(62, `${shop}/pods/*/odd_tiny`, 200),
  exchange(64, `${shop}/pods/*/odd_huge`, 200, { differs: leftOut('web-1', 'web-2') }),
  exchange(63, `${shop}/pods/*/odd_float`, 200),
  exchange(62, `${shop}/pods/*/odd_frac`, 200),
  exchange([88], `${shop}/jobs.batch/lab/deploy_lag`, 200),
  exchange(15, `${C}/namespaces/bank/pods/*/inflight`, 200, {
    differs: {
      row: 'pending',
      queries: 'none',
      ours: (real) => ({
        ...real,
        status: 404,
        body: notFound('the server could not find the metric inflight for pods'),
      }),
    },
  }),
];

/** Values that are no vector, and queries that fail. Ours says why. */
export const failing: readonly CustomCase[] = [
  exchange([67, 99], `${shop}/pods/web-0/a_scalar`, 500, { differs: explained('makes a scalar') }),
  exchange([67, 99], `${shop}/pods/web-0/a_matrix`, 500, { differs: explained('makes a matrix') }),
  exchange(99, `${shop}/pods/web-0/bad_promql`, 500, { differs: explained('unclosed left parenthesis') }),
  exchange(99, `${shop}/pods/*/bad_promql`, 500, { differs: explained('unclosed left parenthesis') }),
  exchange(64, `${shop}/pods/web-0/odd_nan`, 200, {
    differs: {
      row: 'notANumber',
      ours: (real, ours) => anyOf(`${shop}/pods/web-0/odd_nan`).ours(real, ours),
    },
  }),
];

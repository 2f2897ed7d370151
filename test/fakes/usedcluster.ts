/** A small cluster in the fake API server, with usages as metrics-server serves them: without pages, history and causes. */
import type { FakeApiServer } from './apiserver.ts';
import { autoscaler, node, pod } from './kubeobjects.ts';

const metrics = '/apis/metrics.k8s.io/v1beta1';

/**
 * Sets two nodes, one without usage; the pods web-0 to web-2 of namespace shop, of which web-2 has no usage; `stuck` without a node; `hostile`
 * with control characters in a reason; and an autoscaler.
 */
export function setUsedCluster({ objects, documents }: Pick<FakeApiServer, 'objects' | 'documents'>): void {
  const startedAt = new Date(Date.now() - 3_600_000).toISOString();
  const timestamp = new Date().toISOString();
  const spec = {
    containers: [
      {
        name: 'app',
        resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '64Mi' } },
      },
    ],
  };
  const running = { containerStatuses: [{ name: 'app', restartCount: 2, state: { running: { startedAt } } }] };
  for (const name of ['node-a', 'node-b']) objects.set(node(name));
  for (const name of ['web-0', 'web-1', 'web-2']) {
    objects.set(pod('shop', name, { nodeName: 'node-a', spec, status: running, labels: { app: 'web' } }));
  }
  const message = 'no node is large enough';
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
  objects.set(pod('shop', 'stuck', { phase: 'Pending', spec, status: { conditions } }));
  const waiting = { containerStatuses: [{ name: 'app', state: { waiting: { reason: '\u001b]0;owned\u0007' } } }] };
  objects.set(pod('shop', 'hostile', { nodeName: 'node-a', spec, status: waiting }));
  const target = { type: 'Utilization', averageUtilization: 50 };
  const current = { averageUtilization: 75, averageValue: '75m' };
  objects.set({
    ...autoscaler('shop', 'web', [{ type: 'Resource', resource: { name: 'cpu', target } }]),
    status: {
      currentReplicas: 3,
      desiredReplicas: 5,
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current } }],
    },
  });
  const usage = { cpu: '1500m', memory: '4Gi' };
  documents.set(`${metrics}/nodes`, { items: [{ metadata: { name: 'node-a' }, timestamp, window: '15s', usage }] });
  const podUsage = (name: string, cpu: string) => ({
    metadata: { namespace: 'shop', name },
    timestamp,
    window: '15s',
    containers: [{ name: 'app', usage: { cpu, memory: '32Mi' } }],
  });
  const items = [podUsage('web-0', '190m'), podUsage('web-1', '50m')];
  documents.set(`${metrics}/pods`, { items });
  documents.set(`${metrics}/namespaces/shop/pods`, { items });
  for (const item of items) documents.set(`${metrics}/namespaces/shop/pods/${item.metadata.name}`, item);
}

/** Has kube-apiserver aggregate a server of the lab: there is no cluster network, so its Service is another name of this machine. */
import { waitFor } from '../cluster/wait.ts';
import type { ControlPlane } from './controlplane.ts';
import { dig } from './objects.ts';

const service = { namespace: 'kube-system', name: 'aggregated' };
const services = `/api/v1/namespaces/${service.namespace}/services`;
const apiServices = '/apis/apiregistration.k8s.io/v1/apiservices';
const name = 'v1beta1.metrics.k8s.io';

/** kube-apiserver looks at once, and again when that was too early. */
const availableTimeoutMs = 120_000;
const goneTimeoutMs = 60_000;

/** Does something while the server at this port is aggregated; before and afterwards none is. */
export async function whileAggregated<T>({ call }: ControlPlane, port: number, during: () => Promise<T>): Promise<T> {
  const isGone = () => call('GET', '/apis/metrics.k8s.io/v1beta1').then(() => false, isNotFound);
  await call('POST', services, { metadata: service, spec: { type: 'ExternalName', externalName: 'localhost' } });
  await call('POST', apiServices, {
    metadata: { name },
    spec: {
      service: { ...service, port },
      group: 'metrics.k8s.io',
      version: 'v1beta1',
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
    },
  });
  try {
    await waitFor(
      `${name} to be available`,
      async () => isAvailable(await call('GET', `${apiServices}/${name}`)),
      availableTimeoutMs,
    );
    return await during();
  } finally {
    await call('DELETE', `${apiServices}/${name}`);
    await call('DELETE', `${services}/${service.name}`);
    // The next one must not be asked through this one's.
    await waitFor(`${name} to be gone`, isGone, goneTimeoutMs);
  }
}

function isAvailable(apiService: unknown): boolean {
  const conditions = dig(apiService, 'status', 'conditions');
  return (
    Array.isArray(conditions) &&
    conditions.some((each) => dig(each, 'type') === 'Available' && dig(each, 'status') === 'True')
  );
}

const isNotFound = (error: unknown): boolean => error instanceof Error && / 404 /.test(error.message);

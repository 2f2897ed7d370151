/** Checks for APIServices whose server is gone: while there is one, namespaces cannot be deleted. */
import { apiServiceNames } from '../../api/apiservices.ts';
import { conditionOf } from '../../client/conditions.ts';
import { field, text } from '../../client/json.ts';
import { type Check, type CheckContext, tolerant } from '../check.ts';
import type { Finding } from '../finding.ts';
import { command } from '../remedy.ts';
import {
  aggregatedApis,
  isSame,
  metricsGroup,
  type RegisteredVersion,
  registeredVersions,
  serviceObject,
  servicesOf,
} from './registration.ts';
import { getService } from './servingpods.ts';

export const namespacesCheck: Check = {
  name: 'namespaces',
  title: 'APIServices without a server, and namespaces that they keep from ending',
  codes: ['apiservice-dangling', 'namespace-stuck'],
  run,
};

async function* run(context: CheckContext): AsyncIterable<Finding> {
  yield* tolerant(() => danglingApis(context));
  yield* tolerant(() => stuckNamespaces(context));
}

async function* danglingApis({ api }: CheckContext): AsyncIterable<Finding> {
  const [server] = servicesOf(await registeredVersions(api));
  // Those of metrics.k8s.io, and custom metrics of its server, have checks of their own.
  const others = (await aggregatedApis(api)).filter(
    ({ group, name, service }) =>
      group !== metricsGroup && !(apiServiceNames.includes(name) && isSame(service, server)),
  );
  for (const registered of others) {
    if (registered.service === undefined || registered.available?.status === 'True') continue;
    const isGone = (await getService(api, registered.service)) === undefined;
    yield dangling(registered, serviceObject(registered.service), isGone);
  }
}

function dangling({ name, available }: RegisteredVersion, service: string, isGone: boolean): Finding {
  const { reason = '', message = '' } = available ?? {};
  const remove = command('kubectl', 'delete', 'apiservice', name);
  return {
    code: 'apiservice-dangling',
    severity: 'error',
    object: `APIService ${name}`,
    problem: isGone
      ? `its ${service} does not exist: no namespace can be deleted, and kubectl warns at each command`
      : `its ${service} does not answer: no namespace can be deleted until it does, or the APIService is deleted`,
    evidence: `${reason}: ${message}`,
    remedy: isGone ? remove : ifNotNeeded(remove),
  };
}

/** The server may only be down for a while. */
function ifNotNeeded(remove: string): string {
  return `# if that server is not needed any more\n${remove}`;
}

async function* stuckNamespaces({ api }: CheckContext): AsyncIterable<Finding> {
  const namespaces = (await api.list('/api/v1/namespaces')) ?? [];
  for (const namespace of namespaces) {
    const failure = conditionOf(namespace, 'NamespaceDeletionDiscoveryFailure');
    if (text(field(field(namespace, 'status'), 'phase')) !== 'Terminating' || failure?.status !== 'True') continue;
    const apis = apisIn(failure.message);
    const name = text(field(field(namespace, 'metadata'), 'name')) ?? '';
    yield {
      code: 'namespace-stuck',
      severity: 'error',
      object: `Namespace ${name}`,
      problem: `it cannot end while ${apis.join(' and ') || 'an API'} does not answer; it ends by itself within minutes after that`,
      evidence: failure.message,
      remedy: apis.map(remedyFor).join('\n') || command('kubectl', 'get', 'apiservices'),
    };
  }
}

/** Metrics are to come back; of another group nothing is known but its name. */
function remedyFor(api: string): string {
  const [group = '', version = ''] = api.split('/');
  if (group === metricsGroup) return `kubegauge doctor apiservices service   # ${api} must answer`;
  return ifNotNeeded(command('kubectl', 'delete', 'apiservice', `${version}.${group}`));
}

/** Finds `group/version` in the message of the namespace controller. */
function apisIn(message: string): readonly string[] {
  const words = message.split(/[\s,]/).map((word) => word.replace(/:$/, ''));
  return [...new Set(words.filter((word) => /^[a-z0-9.-]{1,253}\/v[a-z0-9]{1,62}$/.test(word)))];
}

/** Checks that a Service's port leads to the port on which the server listens. */
import { field, items, text } from '../../client/json.ts';
import type { CheckContext } from '../check.ts';
import type { Finding } from '../finding.ts';
import { flagIn } from '../flagwords.ts';
import { command, jsonPatch } from '../remedy.ts';
import { type ServiceAddress, serviceObject } from './registration.ts';
import { type PodBehindService, type ServingContainer, servingContainer } from './servingpods.ts';

/** Pods whose port is tried; the others run the same template. */
const triedPods = 5;

/** @param port the Service's, which the APIService names. */
export async function* checkPorts(
  context: CheckContext,
  address: ServiceAddress,
  service: unknown,
  port: unknown,
  pods: readonly PodBehindService[],
): AsyncIterable<Finding> {
  const pod = pods.find(({ ready }) => ready) ?? pods[0];
  const container = pod && servingContainer(pod.containers);
  if (pod === undefined || container === undefined) return;
  const index = items(field(field(service, 'spec'), 'ports')).indexOf(port);
  const patchTo = (target: string | number): string =>
    jsonPatch('service', address.namespace, address.name, [
      { op: 'replace', path: `/spec/ports/${index}/targetPort`, value: target },
    ]);
  const listening = Number(flagIn(container.words, 'secure-port') ?? Number.NaN) || undefined;
  const found = targetOf(port, pod.containers);
  if (found.number === undefined) {
    const right = container.ports.find(({ port: declared }) => declared === listening) ?? container.ports[0];
    const target = right === undefined ? listening : right.name || right.port;
    yield {
      code: 'target-port-missing',
      severity: 'error',
      object: serviceObject(address),
      problem: `its targetPort ${found.name} is the name of no port of the pods, so it has no endpoints`,
      evidence: `pod ${pod.name} has ${container.ports.map(({ name, port: each }) => `${name || 'a port'}: ${each}`).join(', ') || 'no ports'}`,
      ...(target === undefined ? {} : { remedy: patchTo(target) }),
    };
    return;
  }
  if (listening !== undefined && listening !== found.number) {
    yield wrongPort(address, pod, container, { ...found, number: found.number }, listening, patchTo);
    return;
  }
  yield* tryPods(context, pods, found.number);
}

interface TargetPort {
  readonly number: number | undefined;
  readonly name: string | undefined;
}

function targetOf(port: unknown, containers: readonly ServingContainer[]): TargetPort {
  const target = field(port, 'targetPort') ?? field(port, 'port');
  if (typeof target === 'number') return { number: target, name: undefined };
  const name = text(target) ?? '';
  const declared = containers.flatMap(({ ports }) => ports).find((each) => each.name === name);
  return { number: declared?.port, name };
}

function wrongPort(
  address: ServiceAddress,
  pod: PodBehindService,
  container: ServingContainer,
  target: { readonly number: number; readonly name: string | undefined },
  listening: number,
  patchTo: (target: string | number) => string,
): Finding {
  const containerIndex = pod.containers.indexOf(container);
  const portIndex = container.ports.findIndex(({ name }) => name === target.name);
  const byName = target.name !== undefined && portIndex >= 0 && pod.deployment !== undefined;
  const path = `/spec/template/spec/containers/${containerIndex}/ports/${portIndex}/containerPort`;
  const right = container.ports.find(({ port }) => port === listening);
  return {
    code: 'target-port-wrong',
    severity: 'error',
    object: byName ? `Deployment ${pod.namespace}/${pod.deployment}` : serviceObject(address),
    problem: `the Service leads to port ${target.number} of the pods, but the server listens on ${listening}`,
    evidence: `--secure-port=${listening} in container ${container.name} of pod ${pod.name}`,
    remedy: byName
      ? jsonPatch('deployment', pod.namespace, pod.deployment ?? '', [{ op: 'replace', path, value: listening }])
      : patchTo(right?.name || listening),
  };
}

/** In a pod, pods can be reached unless something blocks the way; from outside, kube-apiserver's proxy is asked. */
async function* tryPods(
  context: CheckContext,
  pods: readonly PodBehindService[],
  port: number,
): AsyncIterable<Finding> {
  for (const pod of pods.filter(({ ready, deleting }) => ready && !deleting).slice(0, triedPods)) {
    const { place } = context;
    const reason = await (place === 'pod'
      ? unreachableFromHere(context, pod, port)
      : unreachableByProxy(context, pod, port));
    if (reason === undefined) continue;
    const from = place === 'pod' ? 'this pod' : 'kube-apiserver';
    yield {
      code: 'endpoint-unreachable',
      severity: 'error',
      object: `Pod ${pod.namespace}/${pod.name}`,
      problem: `it is ready, but ${from} does not reach its port ${port}; a NetworkPolicy or a firewall may block the way`,
      evidence: reason,
      remedy: command('kubectl', 'get', 'networkpolicies', '--namespace', pod.namespace),
    };
  }
}

async function unreachableFromHere(
  { certificates }: CheckContext,
  { addresses: [address] }: PodBehindService,
  port: number,
): Promise<string | undefined> {
  if (address === undefined) return undefined;
  const look = await certificates.look({ address, port, servername: address });
  return look.kind === 'shown' ? undefined : look.reason;
}

/** kube-apiserver's proxy verifies no certificate, and takes the way that its requests for metrics take. */
async function unreachableByProxy(
  { api }: CheckContext,
  { namespace, name }: PodBehindService,
  port: number,
): Promise<string | undefined> {
  // Without the right to use the proxy nothing is learned; the APIService's condition says the same, later.
  const { status, text: said } = await api.text(
    `/api/v1/namespaces/${namespace}/pods/https:${name}:${port}/proxy/livez`,
  );
  return status >= 500 && said.includes('error trying to reach service') ? said : undefined;
}

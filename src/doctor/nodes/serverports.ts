/** Checks the ports of the server's pods: a pod in the network of its node shares them with the kubelet. */
import { type Check, type CheckContext } from '../check.ts';
import { foreignText } from '../../foreigntext.ts';
import type { Finding } from '../finding.ts';
import { objectOf } from '../grouping.ts';
import { hasEnded, keyOf, type PodFacts, parsePodFacts } from '../pods/podfacts.ts';
import { findServer } from './installation.ts';
import { readNodes } from './readnodes.ts';
import type { NodeFacts } from './nodefacts.ts';
import { securePortOf, type ServerInstallation, setFlags } from './serverflags.ts';

const usualKubeletPort = 10_250;
/** metrics-server's port before it was moved to the kubelet's. */
const freePorts = [4443, 14_443];

export const serverPortCheck: Check = {
  name: 'ports',
  title: "ports of the server's pods that the kubelet or another pod has",
  codes: ['server-port-is-kubelets', 'server-port-taken'],
  run: checkPorts,
};

async function* checkPorts(context: CheckContext): AsyncIterable<Finding> {
  const { pods, installation } = await findServer(context);
  if (installation === undefined) return;
  const facts = pods.flatMap(({ object }) => parsePodFacts(object) ?? []);
  const nodes = new Map((await readNodes(context)).map((node) => [node.name, node]));
  yield* portFindings(facts, installation, nodes);
}

/** Returns findings of pods that cannot listen on their port. */
function portFindings(
  pods: readonly PodFacts[],
  installation: ServerInstallation,
  nodes: ReadonlyMap<string, NodeFacts>,
): Finding[] {
  const port = securePortOf(installation);
  const alive = pods.filter((pod) => !pod.isDeleting && !hasEnded(pod));
  const clashing = alive.filter((pod) => clashes(pod, port, nodes));
  const waiting = alive.filter(({ unschedulable }) => /free ports/.test(unschedulable ?? ''));
  const findings: Finding[] = [];
  if (clashing.length > 0) {
    const reason = clashing.flatMap(({ containers }) => containers.flatMap((container) => container.reason ?? []))[0];
    findings.push({
      code: 'server-port-is-kubelets',
      severity: 'error',
      object: objectOf('Pod', clashing.map(keyOf)),
      problem: `it listens on port ${port} in the network of its node, where the kubelet has this port; with Fargate, a pod's network is its node's`,
      remedy: moveTo(port, installation),
      ...(reason === undefined ? {} : { evidence: foreignText(reason) }),
    });
  }
  const [first] = waiting;
  if (first !== undefined) {
    findings.push({
      code: 'server-port-taken',
      severity: 'error',
      object: objectOf('Pod', waiting.map(keyOf)),
      problem: `no node has the host port ${port} free, so it is not scheduled`,
      remedy: moveTo(port, installation),
      evidence: foreignText(first.unschedulable ?? ''),
    });
  }
  return findings;
}

function clashes({ node: name, hostNetwork }: PodFacts, port: number, nodes: ReadonlyMap<string, NodeFacts>): boolean {
  const node = name === undefined ? undefined : nodes.get(name);
  if (node === undefined || !(hostNetwork || node.isFargate)) return false;
  return port === (node.kubeletPort ?? usualKubeletPort);
}

function moveTo(port: number, installation: ServerInstallation): string {
  const value = freePorts.find((free) => free !== port) ?? port;
  const container = '/spec/template/spec/containers/0/ports/0';
  const ports = [
    { op: 'replace', path: `${container}/containerPort`, value },
    ...(installation.hostNetwork ? [{ op: 'add', path: `${container}/hostPort`, value }] : []),
  ];
  return setFlags(installation, { 'secure-port': String(value) }, installation.containerPorts.length > 0 ? ports : []);
}

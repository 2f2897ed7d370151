/** Checks each node's kubelet: address, port, certificate, credentials, source, clock, and what is served of it. */
import { field, items, text } from '../../client/json.ts';
import { kubeletCandidates } from '../../cluster/address.ts';
import { type Check, type CheckContext, tolerant } from '../check.ts';
import { type Finding, uncheckedCode } from '../finding.ts';
import { objectOf } from '../grouping.ts';
import { parseTimeMs } from '../times.ts';
import { explainKubelet } from './explainkubelet.ts';
import { findServer } from './installation.ts';
import type { KubeletEvidence, Surroundings } from './kubeletevidence.ts';
import { type KubeletProblem, kubeletCodes } from './kubeletproblem.ts';
import { infoOf, type NodeFacts, parseNodeFacts } from './nodefacts.ts';
import { type KubeletLooks, lookAtKubelets } from './kubeletlooks.ts';
import { readPendingRequests } from './pendingrequests.ts';
import { type ProxyReadings, readRuntimeEndpoint, readThroughProxy } from './proxyreadings.ts';
import { kubeletFlagsOf } from './serverflags.ts';
import { readServersWords } from './serverswords.ts';

/** A Node with all its images may be 50 kB. */
const nodesPerPage = '100';
/** Nodes that are read through the node proxy, those without usage first. */
const proxyLimit = 50;
/** Kubelets whose certificates are looked at, those without usage first. */
const lookLimit = 200;

export const kubeletCheck: Check = {
  name: 'kubelets',
  title: "each node's kubelet, and what is served of it",
  codes: kubeletCodes,
  run: checkKubelets,
};

/** Returns all nodes. @throws UncheckedError. */
export async function readNodes({ api }: Pick<CheckContext, 'api'>): Promise<readonly NodeFacts[]> {
  const list = await api.list('/api/v1/nodes', { query: { limit: nodesPerPage } });
  return (list ?? []).flatMap((object) => parseNodeFacts(object) ?? []);
}

/** Returns the usages of nodes; undefined if the API does not answer. */
export async function readNodeUsages({
  api,
}: Pick<CheckContext, 'api'>): Promise<
  ReadonlyMap<string, { readonly atMs: number; readonly isZero: boolean }> | undefined
> {
  const list = await api.get('/apis/metrics.k8s.io/v1beta1/nodes').catch(() => undefined);
  if (list === undefined) return undefined;
  return new Map(
    items(field(list, 'items')).map((item) => {
      const usage = field(item, 'usage');
      const isZero = ['cpu', 'memory'].some((resource) => /^0\D*$/.test(text(field(usage, resource)) ?? ''));
      return [
        text(field(field(item, 'metadata'), 'name')) ?? '',
        { atMs: parseTimeMs(field(item, 'timestamp')) ?? 0, isZero },
      ];
    }),
  );
}

async function* checkKubelets(context: CheckContext): AsyncIterable<Finding> {
  const nodes = await readNodes(context);
  const { pods, installation } = await findServer(context).catch(() => ({ pods: [], installation: undefined }));
  const around: Surroundings = { installation, flags: kubeletFlagsOf(installation), nowMs: context.nowMs() };
  const usages = await readNodeUsages(context);
  const missing = usages === undefined ? [] : nodes.filter(({ name }) => !usages.has(name)).map(({ name }) => name);
  const inOrder = nodes.toSorted((a, b) => Number(missing.includes(b.name)) - Number(missing.includes(a.name)));
  const requests = new Map<string, string>();
  yield* tolerant(async function* csr() {
    for (const [node, request] of await readPendingRequests(context)) requests.set(node, request);
    yield* [];
  });
  const [words, proxied, looked] = await Promise.all([
    readServersWords(context, missing, pods, installation),
    readThroughProxy(
      context,
      inOrder.slice(0, proxyLimit).map(({ name }) => name),
    ),
    lookAtKubelets(context, inOrder.slice(0, lookLimit), around),
  ]);
  const evidences = await Promise.all(
    nodes.map(async (node): Promise<KubeletEvidence> => {
      const proxy = proxied.readings.get(node.name);
      return {
        node,
        addresses: kubeletCandidates(infoOf(node), around.flags),
        pendingRequest: requests.get(node.name),
        served: usages === undefined ? undefined : (usages.get(node.name) ?? 'missing'),
        serversWord: words.get(node.name),
        look: looked.looks.get(node.name),
        proxy,
        runtimeEndpoint:
          proxy?.kind === 'read' && proxy.fallback !== undefined
            ? await readRuntimeEndpoint(context, node.name)
            : undefined,
      };
    }),
  );
  yield* group(evidences, around);
  yield* limits(nodes, usages === undefined, proxied, looked);
}

function* group(evidences: readonly KubeletEvidence[], around: Surroundings): Generator<Finding> {
  const found = evidences.flatMap((evidence) =>
    explainKubelet(evidence, around).map((problem) => ({ evidence, problem })),
  );
  const groups = Map.groupBy(found, ({ problem: { code, severity, words } }) => `${code} ${severity} ${words}`);
  for (const members of groups.values()) {
    const nodes = members.map(({ evidence }) => evidence);
    const { problem } = members[0] as { readonly problem: KubeletProblem };
    const remedy = problem.remedy(nodes, around);
    yield {
      code: problem.code,
      severity: problem.severity,
      object: objectOf(
        'Node',
        nodes.map(({ node }) => node.name),
      ),
      problem: problem.words,
      ...(remedy === undefined ? {} : { remedy }),
      ...(problem.evidence === undefined ? {} : { evidence: problem.evidence }),
    };
  }
}

/** Says what was not looked at. */
function* limits(
  nodes: readonly NodeFacts[],
  isApiSilent: boolean,
  { denied }: ProxyReadings,
  { unreachable }: KubeletLooks,
): Generator<Finding> {
  const unchecked = (object: string, problem: string, evidence?: string): Finding => ({
    code: uncheckedCode,
    severity: 'unchecked',
    object,
    problem,
    ...(evidence === undefined ? {} : { evidence }),
  });
  if (isApiSilent) {
    yield unchecked('metrics.k8s.io', 'the API does not answer, so it is not known of which nodes usage is served');
  }
  if (denied !== undefined) {
    const right = 'kubelets were not read through kube-apiserver; our user needs the right to get nodes/proxy for it';
    yield unchecked('nodes/proxy', right, denied);
  } else if (nodes.length > proxyLimit) {
    yield unchecked('nodes/proxy', `source and clock of ${nodes.length - proxyLimit} nodes were not looked at`);
  }
  if (unreachable !== undefined) {
    const problem = 'certificates were not looked at: kubelets cannot be reached from here; run doctor in the pod';
    yield unchecked('kubelets', problem, unreachable);
  } else if (nodes.length > lookLimit) {
    yield unchecked('kubelets', `certificates of ${nodes.length - lookLimit} kubelets were not looked at`);
  }
}

/** Checks each node's kubelet: address, port, certificate, credentials, source, clock, and what is served of it. */
import { parseLabelSelector } from '../../apimachinery/labels.ts';
import { kubeletCandidates } from '../../cluster/address.ts';
import type { PodBehindService } from '../apiside/servingpods.ts';
import { type Check, type CheckContext, readOr } from '../check.ts';
import { type Finding, uncheckedCode } from '../finding.ts';
import { objectOf } from '../grouping.ts';
import { explainKubelet } from './explainkubelet.ts';
import { findServer, unknownServer } from './installation.ts';
import type { KubeletConfig, KubeletEvidence, ServersWord, Surroundings } from './kubeletevidence.ts';
import { type KubeletProblem, kubeletCodes } from './kubeletproblem.ts';
import { requestCertificates, verifyKubelets } from './kubeletremedies.ts';
import type { NodeFacts } from './nodefacts.ts';
import { readNodes, readNodeUsages } from './readnodes.ts';
import { type KubeletLooks, lookAtKubelets } from './kubeletlooks.ts';
import { noRequests, readServingRequests } from './pendingrequests.ts';
import { type ProxyReadings, readKubeletConfig, readThroughProxy } from './proxyreadings.ts';
import { kubeletFlagsOf } from './serverflags.ts';
import { readingsOfStatus, readOwnStatus, readServersWords, usagesOfStatus, wordsOfStatus } from './serverswords.ts';

/** Nodes that are read through the node proxy, those without usage first. */
const proxyLimit = 50;
/** Kubelets whose certificates are looked at, those without usage first. */
const lookLimit = 200;

/** Configurations that are read, of each kind of trouble: more of them look the same. */
const configLimit = 3;
/** Milliseconds. A request that is under way then may take 15 s more; the check's deadline is 60 s. */
const gatheringMs = 40_000;

export const kubeletCheck: Check = {
  name: 'kubelets',
  title: "each node's kubelet, and what is served of it",
  codes: kubeletCodes,
  run: checkKubelets,
};

async function* checkKubelets(context: CheckContext): AsyncIterable<Finding> {
  const all = await readNodes(context);
  const { pods, installation, exposed } = yield* readOr(unknownServer, () => findServer(context));
  const flags = kubeletFlagsOf(installation, context.options);
  if (!flags.scrapesKubelets) return yield notScraped;
  const serverNodes = new Set(pods.map(({ nodeName }) => nodeName));
  const around: Surroundings = { installation, exposed, serverNodes, flags, nowMs: context.nowMs() };
  const selector = parseLabelSelector(flags.nodeSelector);
  const nodes = all.filter(({ labels }) => selector.matches(labels));
  const report = context.place === 'pod' ? await readOwnStatus(context, installation) : undefined;
  const served =
    report === undefined
      ? yield* readOr(undefined, () => readNodeUsages(context))
      : usagesOfStatus(report, around.nowMs);
  const missing = new Set(served === undefined ? [] : nodes.flatMap(({ name }) => (served.has(name) ? [] : name)));
  const inOrder = nodes.toSorted((a, b) => Number(missing.has(b.name)) - Number(missing.has(a.name)));
  const requests = yield* readOr(noRequests, () => readServingRequests(context));
  const gathered = await gather(context, { report, inOrder, missing: [...missing], pods, around });
  const { words, proxied, looked } = gathered;
  const configs = await readConfigs(context, words, proxied);
  const evidences = nodes.map((node): KubeletEvidence => {
    return {
      node,
      addresses: kubeletCandidates(node, around.flags),
      pendingRequest: requests.pending.get(node.name),
      refusedRequest: requests.refused.get(node.name),
      served: served === undefined ? undefined : (served.get(node.name) ?? 'missing'),
      serversWord: words.get(node.name),
      look: looked.looks.get(node.name),
      proxy: proxied.readings.get(node.name),
      config: configs.get(node.name),
    };
  });
  yield* group(evidences, around);
  yield* explainInsecure(evidences, around);
  yield* limits(nodes, gathered);
}

const notScraped: Finding = {
  code: 'kubelets-not-scraped',
  severity: 'note',
  object: 'metrics.k8s.io',
  problem: 'it comes from Prometheus (--resource-metrics=prometheus), and no kubelet is scraped',
  remedy: 'kubegauge doctor custom-metrics   # the queries, with their last success and error',
};

/** Reads configurations of some kubelets that deny access, or whose runtime is not found. */
async function readConfigs(
  context: CheckContext,
  words: Gathered['words'],
  { readings }: ProxyReadings,
): Promise<ReadonlyMap<string, KubeletConfig>> {
  const denying = [...words].filter(([, { code }]) => code === 'Unauthorized' || code === 'Forbidden');
  const lacking = [...readings].filter(([, reading]) => reading.kind === 'read' && reading.fallback !== undefined);
  const configs = new Map<string, KubeletConfig>();
  // The server's account may not, and its status quotes what kubelets said.
  if (context.place === 'pod') return configs;
  for (const some of [denying, lacking]) {
    for (const [node] of some.slice(0, configLimit)) {
      const config = await readKubeletConfig(context, node);
      if (config !== undefined) configs.set(node, config);
    }
  }
  return configs;
}

interface Plan {
  /** The server's own, in its pod. */
  readonly report: unknown;
  /** Those without usage first. */
  readonly inOrder: readonly NodeFacts[];
  readonly missing: readonly string[];
  readonly pods: readonly PodBehindService[];
  readonly around: Surroundings;
}

interface Gathered {
  readonly words: ReadonlyMap<string, ServersWord>;
  readonly proxied: ProxyReadings;
  readonly looked: KubeletLooks;
  /** Nodes whose source and clock were not looked at. */
  readonly left: number;
}

/** Looks until its own deadline, so that what was seen by then is reported. */
async function gather(whole: CheckContext, { report, inOrder, missing, pods, around }: Plan): Promise<Gathered> {
  const context = { ...whole, signal: AbortSignal.any([whole.signal, AbortSignal.timeout(gatheringMs)]) };
  const looking = lookAtKubelets(context, inOrder.slice(0, lookLimit), around);
  if (report !== undefined) {
    const proxied = { readings: readingsOfStatus(report), denied: undefined };
    return { words: wordsOfStatus(report), proxied, looked: await looking, left: 0 };
  }
  const names = inOrder.slice(0, proxyLimit).map(({ name }) => name);
  const [words, proxied, looked] = await Promise.all([
    readServersWords(context, missing, pods),
    readThroughProxy(context, names),
    looking,
  ]);
  return { words, proxied, looked, left: inOrder.length - proxied.readings.size };
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

/** Reports a server that verifies no kubelet, and whether it could. */
function* explainInsecure(evidences: readonly KubeletEvidence[], around: Surroundings): Generator<Finding> {
  const { installation, flags } = around;
  if (!flags.isInsecure || installation === undefined) return;
  const shown = evidences.flatMap(({ look }) => (look?.kind === 'shown' ? look : []));
  const untrusted = shown.filter(({ chainProblem }) => chainProblem !== undefined).length;
  const isReady = untrusted === 0 && shown.length === evidences.length && shown.length > 0;
  yield {
    code: 'kubelets-not-verified',
    severity: 'warning',
    object: `Deployment ${installation.namespace}/${installation.deployment}`,
    problem: isReady
      ? "it verifies no kubelet's certificate, although the cluster's CA signed all of them"
      : "it verifies no kubelet's certificate, so another host at a node's address gets its token and can make up usage",
    remedy: isReady ? verifyKubelets(installation) : requestCertificates(evidences),
    ...(untrusted === 0 ? {} : { evidence: `${untrusted} of ${shown.length} certificates are not signed by the CA` }),
  };
}

/** Says what was not looked at. */
function* limits(
  nodes: readonly NodeFacts[],
  { proxied: { denied }, looked: { unreachable }, left }: Gathered,
): Generator<Finding> {
  const unchecked = (object: string, problem: string, evidence?: string): Finding => ({
    code: uncheckedCode,
    severity: 'unchecked',
    object,
    problem,
    ...(evidence === undefined ? {} : { evidence }),
  });
  if (denied !== undefined) {
    const right = 'kubelets were not read through kube-apiserver; our user needs the right to get nodes/proxy for it';
    yield unchecked('nodes/proxy', right, denied);
  } else if (left > 0) {
    yield unchecked('nodes/proxy', `source and clock of ${left} nodes were not looked at`);
  }
  if (unreachable !== undefined) {
    const problem = 'certificates were not looked at: kubelets cannot be reached from here; run doctor in the pod';
    yield unchecked('kubelets', problem, unreachable);
  } else if (nodes.length > lookLimit) {
    yield unchecked('kubelets', `certificates of ${nodes.length - lookLimit} kubelets were not looked at`);
  }
}

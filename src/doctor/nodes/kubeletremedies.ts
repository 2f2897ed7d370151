/** Commands that end problems of kubelets. Those on a node begin with ssh. */
import { field, items, texts } from '../../client/json.ts';
import { pinsConfigMapName as pins } from '../../kubelet/pins/pinconfigmap.ts';
import { applyFiles, manifestsAccount } from '../apiside/manifests.ts';
import { refusalOf } from '../apiside/shownaccounts.ts';
import { command, comment, mergePatch } from '../remedy.ts';
import type { KubeletEvidence, Surroundings } from './kubeletevidence.ts';
import { accountForKubelets, flagValue, type ServerInstallation, setFlags } from './serverflags.ts';

/** A line for each of more nodes makes no remedy clearer. */
const nodeLimit = 20;

/**
 * Returns a command for one node's shell, for each of the first nodes. Without -n, ssh reads the pasted commands that
 * follow it from the terminal.
 */
function onNodes(nodes: readonly KubeletEvidence[], words: string): string {
  const names = nodes.slice(0, nodeLimit).map(({ node }) => node.name);
  const [first] = names;
  if (names.length === 1 && first !== undefined) return command('ssh', '-n', first, words);
  return `for node in ${names.map((name) => command(name)).join(' ')}; do ssh -n "$node" ${command(words)}; done`;
}

export function approveRequests(nodes: readonly KubeletEvidence[]): string {
  const requests = nodes.flatMap(({ pendingRequest }) => pendingRequest ?? []);
  return command('kubectl', 'certificate', 'approve', ...requests.slice(0, nodeLimit));
}

/** kubeadm's path of the kubelet's configuration; other installers have theirs. */
const kubeletConfig = '/var/lib/kubelet/config.yaml';

/** Lets kubelets request certificates of the cluster's CA; one that they made by themselves is never renewed. */
export function requestCertificates(nodes: readonly KubeletEvidence[]): string {
  const edit = `grep -q '^serverTLSBootstrap: true' ${kubeletConfig} || echo 'serverTLSBootstrap: true' | sudo tee -a ${kubeletConfig} && sudo systemctl restart kubelet`;
  return `${onNodes(nodes, edit)}\n${pendingRequests}`;
}

/**
 * Approves every kubelet's request that is pending, once restarted kubelets have made theirs. A pending one has no
 * status. kube-apiserver lets a request have any name, also one of two words, of which xargs would make two names: of a
 * request to another signer, or a flag. Names are quoted, and only plain ones pass.
 */
const pendingRequests = [
  'sleep 30',
  [
    command(
      'kubectl',
      'get',
      'csr',
      '--field-selector=spec.signerName=kubernetes.io/kubelet-serving',
      '-o',
      'go-template={{range .items}}{{if not .status}}{{printf "%q\\n" .metadata.name}}{{end}}{{end}}',
    ),
    command('grep', '-xE', '"[a-z0-9][a-z0-9.-]*"'),
    'xargs -r kubectl certificate approve',
  ].join(' | '),
].join('\n');

export function trustKeys(nodes: readonly KubeletEvidence[]): string {
  return nodes
    .slice(0, nodeLimit)
    .map(({ node }) => command('kubegauge', 'trust', node.name))
    .join('\n');
}

/** As manifests/components/kubelet-pins. */
export function allowPins(_: readonly KubeletEvidence[], { installation, exposed }: Surroundings): string {
  const { namespace, name } =
    installation === undefined
      ? manifestsAccount
      : { namespace: installation.namespace, name: installation.serviceAccount };
  const role = { kind: 'Role', name: pins, namespace } as const;
  const refusal = refusalOf([{ verb: 'update', resource: 'configmaps', role }], { namespace, name }, exposed);
  if (refusal !== undefined) return `${refusal.remedy}\n${applyFiles('kubelet-pins', ['pins.yaml'])}`;
  const kubectl = (...words: readonly string[]) => command('kubectl', '--namespace', namespace, ...words);
  return [
    kubectl('create', 'configmap', pins),
    kubectl('create', 'role', pins, '--verb=get,update', '--resource=configmaps', `--resource-name=${pins}`),
    kubectl('create', 'rolebinding', pins, `--role=${pins}`, `--serviceaccount=${namespace}:${name}`),
  ].join('\n');
}

export function restartKubelets(nodes: readonly KubeletEvidence[]): string {
  return `${onNodes(nodes, restart)}\n${pendingRequests}`;
}

/** An approver denies the next request for the same reason; what a person denied is theirs to approve. */
export function requestAgain(nodes: readonly KubeletEvidence[]): string {
  const first = comment(
    'mend first what the approver names, or its settings: it judges the next request in the same way',
  );
  return [first, describeRequest(nodes), onNodes(nodes, restart), command('kubectl', 'get', 'csr')].join('\n');
}

/** kubeadm's label. */
const controllerManager = ['--namespace', 'kube-system', '--selector=component=kube-controller-manager'] as const;

export function readSigner(nodes: readonly KubeletEvidence[]): string {
  const flags =
    'kube-controller-manager signs with --cluster-signing-cert-file and --cluster-signing-key-file, or those of --cluster-signing-kubelet-serving-*';
  return [
    comment(flags),
    describeRequest(nodes),
    `${command('kubectl', 'logs', ...controllerManager, '--tail=1000')} | grep -i -E 'csrsigning|certificate'`,
  ].join('\n');
}

function describeRequest(nodes: readonly KubeletEvidence[]): string {
  const names = nodes.flatMap(({ refusedRequest }) => refusedRequest?.name ?? []);
  return command('kubectl', 'describe', 'csr', ...names.slice(0, nodeLimit));
}

export function switchWebhookOn(nodes: readonly KubeletEvidence[]): string {
  const edit = `sudo sed -i '/^ *webhook:/,/enabled:/ s/enabled: false/enabled: true/' ${kubeletConfig} && sudo systemctl restart kubelet`;
  return onNodes(nodes, edit);
}

export function readKubeletLog(nodes: readonly KubeletEvidence[]): string {
  return onNodes(
    nodes.slice(0, 1),
    'sudo journalctl -u kubelet --since -10min | grep -i -E "tokenreview|unauthorized|authenticat"',
  );
}

export function grantMetrics(_: readonly KubeletEvidence[], { installation }: Surroundings): string {
  const account =
    installation === undefined
      ? { namespace: 'kube-system', name: 'metrics-server' }
      : accountForKubelets(installation);
  const name = `${account.name}:nodes-metrics`;
  return [
    command('kubectl', 'create', 'clusterrole', name, '--verb=get', '--resource=nodes/metrics'),
    command(
      'kubectl',
      'create',
      'clusterrolebinding',
      name,
      `--clusterrole=${name}`,
      `--serviceaccount=${account.namespace}:${account.name}`,
    ),
  ].join('\n');
}

/** Prefers addresses to names. */
export function preferInternalAddresses(
  _: readonly KubeletEvidence[],
  { installation, flags }: Surroundings,
): string | undefined {
  return installation && preferTypes(installation, ['InternalIP', 'ExternalIP', ...flags.preferredTypes]);
}

function preferTypes(installation: ServerInstallation, types: readonly string[]): string {
  return setFlags(installation, { 'kubelet-preferred-address-types': [...new Set(types)].join(',') });
}

export function useTls(_: readonly KubeletEvidence[], { installation }: Surroundings): string | undefined {
  return installation && setFlags(installation, { 'deprecated-kubelet-completely-insecure': 'false' });
}

/** Adds the types that the nodes have; other nodes keep the addresses by which they are read. */
export function preferTypesOf(
  nodes: readonly KubeletEvidence[],
  { installation, flags }: Surroundings,
): string | undefined {
  const types = nodes.flatMap(({ node }) => node.addresses.map(({ type }) => type));
  return installation && preferTypes(installation, [...flags.preferredTypes, ...types]);
}

export function useNodeStatusPort(_: readonly KubeletEvidence[], { installation }: Surroundings): string | undefined {
  return installation && setFlags(installation, { 'kubelet-use-node-status-port': 'true' });
}

export function leaveOutVirtual(
  _: readonly KubeletEvidence[],
  { installation, flags }: Surroundings,
): string | undefined {
  const selector = [flags.nodeSelector, 'type!=virtual-kubelet'].filter((part) => part !== '').join(',');
  return installation && setFlags(installation, { 'node-selector': selector });
}

export function setClocks(nodes: readonly KubeletEvidence[]): string {
  return onNodes(
    nodes,
    'sudo timedatectl set-ntp true && (sudo chronyc makestep || sudo systemctl restart systemd-timesyncd)',
  );
}

const usualSocket = '/run/containerd/containerd.sock';

/**
 * Returns the socket of a containerd to which a link leads cAdvisor; undefined for other runtimes, of which cAdvisor
 * asks no containerd.
 */
function socketToLink({ config }: KubeletEvidence): string | undefined {
  const socket = config?.runtimeEndpoint?.replace(/^unix:\/\//, '');
  const isUsual = socket === usualSocket || socket === `/var${usualSocket}`;
  return socket === undefined || isUsual || !/^\/[\w./-]*\/containerd\.sock$/.test(socket) ? undefined : socket;
}

/**
 * cAdvisor looks for containerd's socket at its usual path; a link there is enough. Docker's own containerd may have
 * that path: a socket that is there stays. Nodes whose configuration was not read get the link of the others, where
 * that socket exists.
 */
export function linkRuntime(nodes: readonly KubeletEvidence[]): string {
  const bySocket = Map.groupBy(nodes, socketToLink);
  const known = [...bySocket.keys()].filter((socket) => socket !== undefined);
  const [first] = known;
  const without = bySocket.get(undefined) ?? [];
  const unread = first === undefined ? [] : without.filter(({ config }) => config === undefined);
  const restarted = without.filter((node) => !unread.includes(node));
  const links = known.map((socket) => {
    const linked = bySocket.get(socket) ?? [];
    const link = `sudo test -S ${socket} && sudo test ! -e ${usualSocket} && sudo mkdir -p /run/containerd && sudo ln -sfn ${socket} ${usualSocket}`;
    return onNodes(socket === first ? [...linked, ...unread] : linked, `${link}; ${restart}`);
  });
  return [...links, ...(restarted.length === 0 ? [] : [onNodes(restarted, restart)])].join('\n');
}

const restart = 'sudo systemctl restart kubelet';

export function describeNodes(nodes: readonly KubeletEvidence[]): string {
  return command('kubectl', 'describe', ...nodes.slice(0, nodeLimit).map(({ node }) => `node/${node.name}`));
}

/** Tries the way of the server: kube-apiserver's node proxy has another one. */
export function tryPort(nodes: readonly KubeletEvidence[], { installation }: Surroundings): string | undefined {
  const [first] = nodes;
  if (first?.addresses.kind !== 'candidates') return describeNodes(nodes);
  const [{ host, port }] = first.addresses.candidates;
  const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}/healthz`;
  const image = 'curlimages/curl';
  const namespace = installation?.namespace ?? 'kube-system';
  return command(
    'kubectl',
    '--namespace',
    namespace,
    'run',
    'try-kubelet',
    '--rm',
    '-i',
    '--restart=Never',
    `--image=${image}`,
    '--',
    '-vk',
    '--max-time',
    '5',
    url,
  );
}

export function readLog({ namespace, deployment }: ServerInstallation, node: string): string {
  const log = command('kubectl', '--namespace', namespace, 'logs', `deployment/${deployment}`, '--tail=1000');
  return `${log} | grep -F ${command(node)}`;
}

/** Switches verification on again, by whichever flag switched it off. */
export function verifyKubelets(installation: ServerInstallation): string {
  const isMode = flagValue(installation, 'kubelet-tls') === 'insecure';
  return setFlags(installation, isMode ? { 'kubelet-tls': 'verify' } : { 'kubelet-insecure-tls': 'false' });
}

const computeType = 'eks.amazonaws.com/compute-type';
const notOnFargate = { key: computeType, operator: 'NotIn', values: ['fargate'] } as const;

/** Adds to the affinity that is there. A patch replaces terms as a whole. */
export function leaveFargate(_: readonly KubeletEvidence[], { installation }: Surroundings): string | undefined {
  if (installation === undefined) return undefined;
  const { nodeTerms } = installation;
  const nodeSelectorTerms =
    nodeTerms.length === 0 ? [{ matchExpressions: [notOnFargate] }] : nodeTerms.map(withoutFargate);
  const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
  const patch = { spec: { template: { spec: { affinity: { nodeAffinity: required } } } } };
  return mergePatch('deployment', installation.namespace, installation.deployment, patch);
}

/** Terms are alternatives, so each needs the expression. An empty one matches no node, and would match some with it. */
function withoutFargate(term: unknown): unknown {
  const expressions = items(field(term, 'matchExpressions'));
  const fields = items(field(term, 'matchFields'));
  const isThere = expressions.some(
    (each) =>
      field(each, 'key') === computeType &&
      field(each, 'operator') === 'NotIn' &&
      texts(field(each, 'values')).includes('fargate'),
  );
  if (isThere || expressions.length + fields.length === 0) return term;
  return { ...(fields.length === 0 ? {} : { matchFields: fields }), matchExpressions: [...expressions, notOnFargate] };
}

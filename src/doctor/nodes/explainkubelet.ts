/** Explains what is wrong with one node's kubelet: the root cause first, and little beside it. */
import type { X509Certificate } from 'node:crypto';
import { foreignText } from '../../foreigntext.ts';
import type { KubeletEvidence, Surroundings } from './kubeletevidence.ts';
import type { KubeletProblem } from './kubeletproblem.ts';
import { kindOfImage } from '../apiside/servingpods.ts';
import { oldUsageMs } from '../times.ts';
import * as remedies from './kubeletremedies.ts';
import { explainCode } from './scrapeproblems.ts';

/** Milliseconds. Two samples and two scrapes of a new node, and the time until it is Ready. */
const newNodeMs = 120_000;
/** Milliseconds. Kubelets renew certificates when 10 to 30 % of their life are left. */
const soonMs = 7 * 24 * 3_600_000;

/** Returns none for a kubelet that is well. */
export function explainKubelet(evidence: KubeletEvidence, around: Surroundings): KubeletProblem[] {
  if (evidence.node.isVirtual && evidence.served === 'missing') return [withoutKubelet];
  const cause =
    explainAddress(evidence) ??
    explainFargate(evidence, around) ??
    explainRequest(evidence) ??
    explainCertificate(evidence, around) ??
    explainScrape(evidence, around);
  const others = [explainReading(evidence, around), explainUsage(evidence, around)];
  const problems = [...(cause === undefined ? [explainReadiness(evidence)] : [cause]), ...others];
  const found = problems.filter((problem) => problem !== undefined);
  return found.length > 0 || evidence.served !== 'missing' || isNew(evidence, around) ? found : [unexplained(evidence)];
}

const withoutKubelet: KubeletProblem = {
  code: 'node-without-kubelet',
  severity: 'note',
  words: 'it is a virtual node whose provider serves no metrics; a selector leaves it out',
  evidence: undefined,
  remedy: remedies.leaveOutVirtual,
};

function isNew({ node: { createdMs } }: KubeletEvidence, { nowMs }: Surroundings): boolean {
  return createdMs !== undefined && nowMs - createdMs < newNodeMs;
}

function explainAddress({ addresses }: KubeletEvidence): KubeletProblem | undefined {
  if (addresses.kind === 'candidates') return undefined;
  return {
    code: 'node-no-address',
    severity: 'error',
    words: 'its status has no address of the types in --kubelet-preferred-address-types, so its kubelet is not read',
    evidence: foreignText(addresses.reason),
    remedy: (nodes, around) =>
      nodes.some(({ node }) => node.addresses.length > 0)
        ? remedies.preferTypesOf(nodes, around)
        : remedies.describeNodes(nodes),
  };
}

function explainFargate({ node, served }: KubeletEvidence, { serverNodes }: Surroundings): KubeletProblem | undefined {
  if (!node.isFargate || served !== 'missing' || !serverNodes.has(node.name)) return undefined;
  return {
    code: 'kubelet-is-own-fargate',
    severity: 'warning',
    words:
      'a pod of the server runs on it, and on Fargate a pod cannot reach its own kubelet; only a node that is not of Fargate ends that',
    evidence: undefined,
    remedy: remedies.leaveFargate,
  };
}

function explainRequest({ pendingRequest, look, served, serversWord }: KubeletEvidence): KubeletProblem | undefined {
  if (pendingRequest === undefined) return undefined;
  const works = served !== 'missing' && served !== undefined && look?.kind !== 'unreachable';
  const isExpired = look?.kind === 'shown' && look.chainProblem !== undefined;
  const seen = look?.kind === 'unreachable' ? handshakeText(look.reason) : serversWord?.message;
  return {
    code: 'kubelet-request-pending',
    severity: works && !isExpired ? 'warning' : 'error',
    words: works
      ? 'the request for its next serving certificate awaits approval'
      : 'it has no valid serving certificate, because its request awaits approval; nothing in Kubernetes approves these by itself',
    evidence: seen === undefined ? undefined : foreignText(seen),
    remedy: remedies.approveRequests,
  };
}

function explainCertificate(
  { look, node, served }: KubeletEvidence,
  { flags, nowMs }: Surroundings,
): KubeletProblem | undefined {
  const leaf = look?.kind === 'shown' ? look.chain[0] : undefined;
  if (look?.kind !== 'shown' || leaf === undefined || flags.usesProxy) return undefined;
  const isSelfSigned = endsInItself(look.chain);
  if (isSelfSigned && flags.isPinned) return undefined;
  const evidence = describeCertificate(leaf);
  const leftMs = leaf.validToDate.getTime() - nowMs;
  // The server may trust another CA than the one that is known here.
  const severity = served === undefined || served === 'missing' ? 'error' : 'warning';
  if (leftMs < 0 && !flags.isInsecure) {
    return {
      code: 'kubelet-certificate-expired',
      severity: 'error',
      words: 'its serving certificate has expired',
      evidence,
      remedy: remedies.requestCertificates,
    };
  }
  if (!flags.isInsecure && !flags.hasOwnCa && look.chainProblem !== undefined) {
    return {
      code: 'kubelet-certificate-untrusted',
      severity,
      words: isSelfSigned
        ? 'its serving certificate is self-signed, as kubelets make them; have the cluster sign it, or let kubegauge pin keys by --kubelet-tls=pin'
        : "its serving certificate is not signed by the cluster's CA; have the cluster sign it, or set --kubelet-certificate-authority",
      evidence,
      remedy: remedies.requestCertificates,
    };
  }
  if (!flags.isInsecure && look.nameProblem !== undefined && leaf.checkHost(node.name) === undefined) {
    return {
      code: 'kubelet-certificate-names',
      severity,
      words: 'its serving certificate is neither for the address that is used nor for the name of the node',
      evidence,
      remedy: remedies.requestCertificates,
    };
  }
  const lifeMs = leaf.validToDate.getTime() - leaf.validFromDate.getTime();
  if (leftMs >= Math.min(soonMs, lifeMs / 20)) return undefined;
  return {
    code: 'kubelet-certificate-expires',
    severity: 'warning',
    words: 'its serving certificate expires soon, and was not renewed',
    evidence,
    remedy: remedies.requestCertificates,
  };
}

/** Reports whether the server sent a chain up to a root of its own: a kubelet's certificate has a CA `<node>-ca@<time>`. */
function endsInItself(chain: readonly X509Certificate[]): boolean {
  const last = chain.at(-1);
  const isWhole = chain.slice(1).every((issuer, at) => chain[at]?.checkIssued(issuer) === true);
  return last?.checkIssued(last) === true && isWhole;
}

function describeCertificate({ subject, issuer, subjectAltName, validTo }: X509Certificate): string {
  const names = foreignText(subjectAltName ?? 'no names', { limit: 200 });
  const of = (name: string) => foreignText(name.replaceAll('\n', ', '), { limit: 100 });
  return `${of(subject)}; issued by ${of(issuer)}; for ${names}; valid to ${validTo}`;
}

function explainScrape(evidence: KubeletEvidence, around: Surroundings): KubeletProblem | undefined {
  const { serversWord, proxy, served, look } = evidence;
  if (serversWord !== undefined) {
    const problem = explainCode(serversWord.code, serversWord.message, evidence, around);
    if (problem !== undefined) return problem;
  }
  // A kubelet without a serving certificate ends handshakes so.
  if (look?.kind === 'unreachable' && /alert internal error/i.test(look.reason)) {
    return explainCode('ServingCertificatePending', handshakeText(look.reason), evidence, around);
  }
  if (proxy?.kind !== 'failed' || served !== 'missing') return undefined;
  return explainCode(proxy.code, proxy.what, evidence, around);
}

/** Returns the alert out of OpenSSL's error. */
function handshakeText(reason: string): string {
  const [, alert] = /alert ([a-z ]+):/.exec(reason) ?? [];
  return alert === undefined ? reason : `the kubelet ends the handshake with the TLS alert "${alert}"`;
}

function explainReadiness({ node: { notReady } }: KubeletEvidence): KubeletProblem | undefined {
  if (notReady === undefined) return undefined;
  return {
    code: 'node-not-ready',
    severity: 'warning',
    words: `it is not Ready (${foreignText(notReady)}): its kubelet does not report to kube-apiserver, and is likely not to answer`,
    evidence: undefined,
    remedy: remedies.describeNodes,
  };
}

function explainReading({ node, proxy, config }: KubeletEvidence, around: Surroundings): KubeletProblem | undefined {
  if (proxy?.kind !== 'read') return undefined;
  if (proxy.skew !== undefined) {
    return {
      code: 'kubelet-clock',
      severity: 'error',
      words: 'its clock is wrong by more than 5 s, and so are the times of its usages',
      evidence: foreignText(proxy.skew),
      remedy: remedies.setClocks,
    };
  }
  // Kubelets on Windows have /metrics/resource only.
  if (proxy.fallback === undefined || node.isWindows) return undefined;
  const isOthers = kindOfImage(around.installation?.image ?? 'kubegauge') === 'metrics-server';
  const code = /label/.test(proxy.fallback) ? 'cadvisor-unlabelled' : 'cadvisor-unusable';
  const evidence = foreignText(proxy.fallback);
  // cAdvisor of Kubernetes 1.24 and newer knows no container of Docker: https://github.com/kubernetes/kubernetes/issues/111077
  if (config?.runtimeEndpoint?.includes('cri-dockerd') ?? node.runtime?.startsWith('docker://')) {
    return {
      code,
      severity: 'note',
      words:
        'its runtime is Docker by cri-dockerd, whose containers cAdvisor does not know: metrics are served from /metrics/resource, as long as it has this runtime',
      evidence,
      remedy: () => undefined,
    };
  }
  return {
    code,
    // metrics-server reads /metrics/resource only; Prometheus is affected.
    severity: isOthers ? 'note' : 'warning',
    words:
      code === 'cadvisor-unlabelled'
        ? 'cAdvisor does not find containerd, so its series of containers have no labels; metrics are served from /metrics/resource'
        : '/metrics/cadvisor lacks containers; metrics are served from /metrics/resource',
    evidence,
    remedy: remedies.linkRuntime,
  };
}

function explainUsage({ served, proxy }: KubeletEvidence, { nowMs }: Surroundings): KubeletProblem | undefined {
  if (served === undefined || served === 'missing') return undefined;
  if (proxy?.kind === 'read' && proxy.skew !== undefined) return undefined;
  if (served.isZero) {
    return {
      code: 'node-usage-zero',
      severity: 'warning',
      words: 'its usage of CPU or memory is 0, which no node has; its kubelet measures nothing',
      evidence: undefined,
      remedy: remedies.describeNodes,
    };
  }
  const ageMs = nowMs - served.atMs;
  if (ageMs > oldUsageMs || ageMs < -oldUsageMs) {
    return {
      code: 'node-usage-old',
      severity: 'error',
      words: `the time of its usage is more than ${oldUsageMs / 60_000} minutes ${ageMs > 0 ? 'old' : 'ahead'}: its clock is wrong, or it is not read any more`,
      evidence: `served with ${new Date(served.atMs).toISOString()}`,
      remedy: remedies.setClocks,
    };
  }
  return undefined;
}

function unexplained({ serversWord }: KubeletEvidence): KubeletProblem {
  if (serversWord?.code === 'OneSample') {
    return {
      code: 'node-one-sample',
      severity: 'note',
      words: 'the server has one sample of it, and serves usage from the second one on: look again in a minute',
      evidence: undefined,
      remedy: () => undefined,
    };
  }
  return {
    code: 'node-usage-missing',
    severity: 'error',
    words: "no usage of it is served; the log of the server's pods may say why",
    evidence: serversWord === undefined ? undefined : `${serversWord.code}: ${foreignText(serversWord.message)}`,
    remedy: (nodes, { installation }) =>
      installation === undefined
        ? remedies.describeNodes(nodes)
        : remedies.readLog(installation, nodes[0]?.node.name ?? ''),
  };
}

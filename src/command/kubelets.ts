/** How kubelets are reached, by the flags: each at its own address, or all by way of kube-apiserver. */
import type { ApiServer } from '../client/config.ts';
import type { Clock } from '../clock.ts';
import { kubeletCandidates } from '../cluster/address.ts';
import type { NodeInfo } from '../cluster/nodes.ts';
import { createKubeletClient, type KubeletClient } from '../kubelet/client.ts';
import { createKubeletProxy, proxyCandidate } from '../kubelet/proxy.ts';
import { createKubeletTls } from '../kubelet/tls.ts';
import type { Options } from '../options/flags.ts';
import { kubeletRequestTimeoutMs } from '../options/validate.ts';
import type { TargetAddress } from '../scrape/target.ts';

export interface Kubelets {
  readonly client: KubeletClient;
  readonly addressOf: (node: NodeInfo) => TargetAddress;
}

export function createKubelets(options: Options, apiServer: ApiServer, clock: Clock): Kubelets {
  const requestTimeoutMs = kubeletRequestTimeoutMs(options);
  if (options['kubelet-connection'] === 'proxy') {
    // Whatever addresses the Node has: kube-apiserver chooses.
    const candidates = { kind: 'candidates', candidates: [proxyCandidate(apiServer.url)] } as const;
    return {
      client: createKubeletProxy({ apiServer, requestTimeoutMs }),
      addressOf: (node) => ({ candidates, resourcePath: node.resourceMetricsPath }),
    };
  }
  const rules = {
    preferredTypes: options['kubelet-preferred-address-types'],
    useNodeStatusPort: options['kubelet-use-node-status-port'],
    defaultPort: options['kubelet-port'],
  };
  return {
    client: createKubeletClient({
      tls: createKubeletTls(apiServer, kubeletTlsFlags(options), clock),
      authorization: () => apiServer.authorization(),
      plainHttp: options['deprecated-kubelet-completely-insecure'],
      requestTimeoutMs,
      httpClient: options['kubelet-http-client'] === 'undici' ? 'undici' : 'built-in',
    }),
    addressOf: (node) => ({ candidates: kubeletCandidates(node, rules), resourcePath: node.resourceMetricsPath }),
  };
}

function kubeletTlsFlags(options: Options) {
  return {
    insecure: options['kubelet-insecure-tls'],
    certificateAuthority: options['kubelet-certificate-authority'],
    clientCertificate: options['kubelet-client-certificate'],
    clientKey: options['kubelet-client-key'],
  };
}

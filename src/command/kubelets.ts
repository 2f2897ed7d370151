/** Builds the kubelet client by the flags: direct, or through kube-apiserver. */
import { availableParallelism } from 'node:os';
import type { ApiServer } from '../client/apiserver.ts';
import type { RestClient } from '../client/rest.ts';
import type { Clock } from '../clock.ts';
import { type AddressRules, kubeletCandidates } from '../cluster/address.ts';
import type { NodeInfo } from '../cluster/nodes.ts';
import type { Resolver } from '../dns/resolver.ts';
import { createKubeletClient, type KubeletClientOptions } from '../kubelet/client.ts';
import { createKubeletProxy, proxyCandidate } from '../kubelet/proxy.ts';
import { createKubeletTls, type KubeletTlsFlags } from '../kubelet/http/kubelettls.ts';
import type { Logger } from '../logging.ts';
import type { Options } from '../options/flags.ts';
import { kubeletRequestTimeoutMs, kubeletTlsMode } from '../options/validate.ts';
import { createKubeletIdentity, type KubeletIdentity, refreshRejected } from './kubeletidentity.ts';
import { createPinning, noPinning, type PinnedNodes, type Pinning } from './pinning.ts';
import { createLocalPool } from '../scrape/endpoint/localpool.ts';
import type { KubeletReaderPool } from '../scrape/endpoint/readerpool.ts';
import type { ScrapeMetrics } from '../scrape/report/scrapemetrics.ts';
import type { TargetAddress } from '../scrape/source/target.ts';
import { type WorkerRules, workerCount } from '../scrape/endpoint/workers/workercount.ts';
import { createShardedPool } from '../scrape/endpoint/workers/shardedpool.ts';
import { createWorkerPool } from '../scrape/endpoint/workers/workerpool.ts';

export interface Kubelets {
  readonly readers: KubeletReaderPool;
  readonly addressOf: (node: NodeInfo) => TargetAddress;
  readonly identity: KubeletIdentity;
  readonly pinning: Pinning;
}

export interface KubeletsOptions {
  readonly options: Options;
  readonly apiServer: ApiServer;
  /** Requests tokens for kubelets, and keeps pins. */
  readonly rest: RestClient;
  readonly nodes: PinnedNodes;
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly metrics: Pick<ScrapeMetrics, 'workers'>;
  readonly log: Logger;
}

export function createKubelets(from: KubeletsOptions): Kubelets {
  const { options, apiServer, rest, nodes, resolver, clock, metrics, log } = from;
  const requestTimeoutMs = kubeletRequestTimeoutMs(options);
  const fastPath = !options['disable-fast-path'];
  const identity = createKubeletIdentity({ options, apiServer, rest, clock, log });
  if (options['kubelet-connection'] === 'proxy') {
    // Our own token goes no further than kube-apiserver, which removes it and shows kubelets its client certificate.
    const candidates = { kind: 'candidates', candidates: [proxyCandidate(apiServer.url)] } as const;
    return {
      readers: createLocalPool(
        createKubeletProxy({ apiServer, requestTimeoutMs, resolve: resolver.resolveFirst }),
        clock,
        { fastPath },
      ),
      addressOf: (node) => ({ candidates, resourcePath: node.resourceMetricsPath }),
      identity,
      pinning: noPinning,
    };
  }
  const rules = addressRules(options);
  const pinning = createPinning({ options, apiServer, rest, identity, nodes, clock, log });
  const client: KubeletClientOptions = {
    tls: createKubeletTls(
      identity.isSeparate() ? withoutCertificate(apiServer) : apiServer,
      kubeletTlsFlags(options),
      clock,
      log,
    ),
    authorization: () => identity.authorization(),
    plainHttp: options['deprecated-kubelet-completely-insecure'],
    requestTimeoutMs,
    resolve: resolver.resolve,
    httpClient: options['kubelet-http-client'] === 'undici' ? 'undici' : 'built-in',
    compression: options['kubelet-compression'],
    checkPin: pinning.checkPin,
  };
  const readers = createShardedPool({
    local: createLocalPool(createKubeletClient(client), clock, { fastPath }),
    startWorker: () => createWorkerPool({ ...client, fastPath, clock, log }),
    workerCount: (fleet) => workerCount(workerRules(options), fleet),
    onGrown: (workers) => {
      metrics.workers(workers);
      log.info({ workers }, 'worker threads scrape');
    },
  });
  return {
    readers: refreshRejected(readers, identity),
    addressOf: (node) => ({ candidates: kubeletCandidates(node, rules), resourcePath: node.resourceMetricsPath }),
    identity,
    pinning,
  };
}

/** Returns the rules by which a node's kubelet is found. */
export function addressRules(options: Options): AddressRules {
  return {
    preferredTypes: options['kubelet-preferred-address-types'],
    useNodeStatusPort: options['kubelet-use-node-status-port'],
    defaultPort: options['kubelet-port'],
  };
}

/** Our own client certificate would come before the token: a kubelet would take us for ourselves. */
function withoutCertificate(apiServer: ApiServer): ApiServer {
  const tls = () => {
    const { cert: _cert, key: _key, ...material } = apiServer.tls();
    return material;
  };
  return { ...apiServer, tls };
}

function workerRules(options: Options): WorkerRules {
  const setting = options['scrape-workers'];
  return {
    setting: setting === 'auto' ? setting : Number(setting),
    resolutionMs: options['metric-resolution'],
    cores: availableParallelism(),
  };
}

export function kubeletTlsFlags(options: Options): KubeletTlsFlags {
  const mode = kubeletTlsMode(options);
  return {
    insecure: mode === 'insecure',
    mustVerify: mode !== undefined,
    certificateAuthority: options['kubelet-certificate-authority'],
    clientCertificate: options['kubelet-client-certificate'],
    clientKey: options['kubelet-client-key'],
  };
}

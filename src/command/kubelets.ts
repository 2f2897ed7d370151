/** Builds the kubelet client by the flags: direct, or through kube-apiserver. */
import { availableParallelism } from 'node:os';
import type { ApiServer } from '../client/apiserver.ts';
import type { RestClient } from '../client/rest.ts';
import type { Clock } from '../clock.ts';
import { kubeletCandidates } from '../cluster/address.ts';
import type { NodeInfo } from '../cluster/nodes.ts';
import type { Resolver } from '../dns/resolver.ts';
import { createKubeletClient, type KubeletClientOptions } from '../kubelet/client.ts';
import { createKubeletProxy, proxyCandidate } from '../kubelet/proxy.ts';
import { createKubeletTls } from '../kubelet/http/kubelettls.ts';
import type { Logger } from '../logging.ts';
import type { Options } from '../options/flags.ts';
import { kubeletRequestTimeoutMs } from '../options/validate.ts';
import { createKubeletIdentity, type KubeletIdentity, refreshRejected } from './kubeletidentity.ts';
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
}

export interface KubeletsOptions {
  readonly options: Options;
  readonly apiServer: ApiServer;
  /** Requests tokens for kubelets. */
  readonly rest: RestClient;
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly metrics: Pick<ScrapeMetrics, 'workers'>;
  readonly log: Logger;
}

export function createKubelets({ options, apiServer, rest, resolver, clock, metrics, log }: KubeletsOptions): Kubelets {
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
    };
  }
  const rules = {
    preferredTypes: options['kubelet-preferred-address-types'],
    useNodeStatusPort: options['kubelet-use-node-status-port'],
    defaultPort: options['kubelet-port'],
  };
  const client: KubeletClientOptions = {
    tls: createKubeletTls(apiServer, kubeletTlsFlags(options), clock, log),
    authorization: () => identity.authorization(),
    plainHttp: options['deprecated-kubelet-completely-insecure'],
    requestTimeoutMs,
    resolve: resolver.resolve,
    httpClient: options['kubelet-http-client'] === 'undici' ? 'undici' : 'built-in',
    compression: options['kubelet-compression'],
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
  };
}

function workerRules(options: Options): WorkerRules {
  const setting = options['scrape-workers'];
  return {
    setting: setting === 'auto' ? setting : Number(setting),
    resolutionMs: options['metric-resolution'],
    cores: availableParallelism(),
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

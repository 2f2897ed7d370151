/** A real Prometheus in the cluster's network, which scrapes the pods of a namespace. */
import { type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1PodList } from '@kubernetes/client-node';
import type { Cluster } from '../cluster.ts';
import { waitFor } from '../wait.ts';

const port = 9090;
/** As kube-prometheus calls it; pods find it by hostAliases. */
export const prometheusHost = 'prometheus-k8s.monitoring.svc';
export const prometheusUrl = `http://${prometheusHost}:${port}/`;

export interface PrometheusOptions {
  readonly folder: string;
  /** Its pods with a port of the name `metrics` are scraped. */
  readonly namespace: string;
  /** Such as `1s`. */
  readonly scrapeInterval: string;
}

export interface Prometheus extends AsyncDisposable {
  /** Resolves when it answers queries. Its data of before are there. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Returns the number of series that a query finds. */
  seriesOf(query: string): Promise<number>;
}

/** Milliseconds; it needs a fraction of a second, on a busy machine some. */
const readyTimeoutMs = 60_000;

export async function startPrometheus(cluster: Cluster, options: PrometheusOptions): Promise<Prometheus> {
  const config = path.join(options.folder, 'prometheus.json');
  const targets = path.join(options.folder, 'prometheus-targets.json');
  await writeFile(config, JSON.stringify(scrapeConfig(targets, options)));
  const url = `http://${cluster.nodeIp}:${port}`;
  let child: ChildProcess | undefined;
  let log = '';
  await writeTargets(cluster, options.namespace, targets);
  await start();
  const ended = new AbortController();
  const followed = followTargets(cluster, options.namespace, targets, ended.signal);
  return {
    start,
    stop,
    seriesOf,
    async [Symbol.asyncDispose]() {
      ended.abort();
      await followed;
      await stop();
    },
  };

  async function start(): Promise<void> {
    const args = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${path.join(options.folder, 'prometheus')}`,
      `--web.listen-address=${cluster.nodeIp}:${port}`,
      '--log.level=warn',
    ];
    const spawned: SpawnOptions = { stdio: ['ignore', 'ignore', 'pipe'] };
    child = cluster.inNamespace('prometheus', args, spawned);
    child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
    await waitFor('Prometheus to be ready', async () => (await get('/-/ready')) !== '', readyTimeoutMs).catch(
      (cause: unknown) => {
        throw new Error(log, { cause });
      },
    );
  }

  async function stop(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'close');
    child.kill('SIGTERM');
    await ended;
  }

  async function seriesOf(query: string): Promise<number> {
    const { data } = JSON.parse(await get(`/api/v1/query?query=${encodeURIComponent(query)}`)) as QueryAnswer;
    return data.result.length;
  }

  function get(asked: string): Promise<string> {
    return cluster.runInNamespace('curl', ['--silent', '--fail', '--max-time', '5', `${url}${asked}`]);
  }
}

interface QueryAnswer {
  readonly data: { readonly result: readonly unknown[] };
}

/** JSON is YAML. */
function scrapeConfig(targets: string, { scrapeInterval }: PrometheusOptions): object {
  return {
    global: { scrape_interval: scrapeInterval, scrape_timeout: scrapeInterval },
    scrape_configs: [{ job_name: 'pods', file_sd_configs: [{ files: [targets] }] }],
  };
}

/** Milliseconds between reads of the pods: Debian's Prometheus has no discovery by Kubernetes. */
const targetsIntervalMs = 2_000;

async function followTargets(cluster: Cluster, namespace: string, file: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // The pods stay as they were while kube-apiserver is busy.
    await writeTargets(cluster, namespace, file).catch(() => undefined);
    await sleep(targetsIntervalMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Writes the targets with the labels that the Prometheus Operator gives them. */
async function writeTargets(cluster: Cluster, namespace: string, file: string): Promise<void> {
  const { items } = JSON.parse(
    await cluster.kubectl(['get', 'pods', `--namespace=${namespace}`, '-o', 'json']),
  ) as V1PodList;
  const targets = items.flatMap(({ metadata, spec, status }) => {
    const found = spec?.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === 'metrics');
    if (found === undefined || status?.podIP === undefined) return [];
    return [{ targets: [`${status.podIP}:${found.containerPort}`], labels: { namespace, pod: metadata?.name ?? '' } }];
  });
  await writeFile(`${file}.new`, JSON.stringify(targets));
  await rename(`${file}.new`, file);
}

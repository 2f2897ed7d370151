/** The stand-in's autoscaler controller: reads metrics through the API server, writes conditions as Kubernetes' own does, and scales. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { formatDecimalMilli, formatDecimalNano } from '../../src/apimachinery/quantity.ts';
import { field, items, text } from '../../src/client/json.ts';
import { rfc3339 } from '../fakes/kubeobjects.ts';
import { type Autoscaled, stabilizationMs } from './autoscalers.ts';
import { parseQuantity } from './reading.ts';
import { type Bounds, decide, proposedReplicas } from './replicas.ts';
import { resourcesOf, type Workload } from './workloads.ts';

export interface AutoscalingOptions {
  readonly autoscaled: readonly (Autoscaled & { readonly bounds: Bounds })[];
  readonly apiUrl: string;
  /** PEM. */
  readonly ca: string;
  /** Of the controller's ServiceAccount. */
  readonly token: string;
  /** Names of all pods of a workload. */
  readonly podsOf: (workload: Workload) => readonly string[];
  readonly scale: (workload: Workload, replicas: number) => void;
  /** Merges the status into the autoscaler's object. */
  readonly write: (autoscaled: Autoscaled, status: Readonly<Record<string, unknown>>) => void;
}

/** As kube-controller-manager's --horizontal-pod-autoscaler-sync-period. */
const syncMs = 15_000;
/** While the server starts: people should not wait for the first numbers. */
const firstSyncMs = 1_000;
const requestMs = 5_000;

/** Why there is no number, in the controller's words. */
class NoMetric extends Error {}

interface Measured {
  readonly proposed: number;
  readonly metricName: string;
  readonly status: object;
}

/** Runs until it is disposed of. */
export function startAutoscaling(options: AutoscalingOptions): AsyncDisposable {
  const { autoscaled, apiUrl, ca, token, podsOf } = options;
  const agent = new Agent({ connect: { ca } });
  const stop = new AbortController();
  const controllers = autoscaled.map((each) => createController(each, options, measure));
  const running = run();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running.catch(() => undefined);
      await agent.destroy();
    },
  };

  async function run(): Promise<void> {
    for (;;) {
      const known = await Promise.all(controllers.map((sync) => sync()));
      await sleep(known.every(Boolean) ? syncMs : firstSyncMs, undefined, { signal: stop.signal });
    }
  }

  /** @throws NoMetric */
  async function measure({ workload, metric }: Autoscaled): Promise<Measured> {
    const pods = podsOf(workload);
    return 'utilization' in metric
      ? await utilizationOf(workload, metric.utilization, pods)
      : await averageOf(workload, metric, pods);
  }

  async function utilizationOf(workload: Workload, target: number, pods: readonly string[]): Promise<Measured> {
    const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${workload.namespace}/pods`;
    const failed = 'failed to get cpu utilization: ';
    const list = await get(path, `labelSelector=${encodeURIComponent(`app=${workload.name}`)}`).catch(
      (error: unknown) => {
        throw new NoMetric(
          `${failed}unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: ${messageOf(error)}`,
        );
      },
    );
    const values = valuesOf(pods, list, (item) => {
      const cores = items(field(item, 'containers')).map((container) =>
        parseQuantity(text(field(field(container, 'usage'), 'cpu')) ?? ''),
      );
      return [text(field(field(item, 'metadata'), 'name')), 1000 * cores.reduce((sum, each) => sum + each, 0)];
    });
    if (items(list).length === 0)
      throw new NoMetric(
        `${failed}unable to get metrics for resource cpu: no metrics returned from resource metrics API`,
      );
    if (values.size === 0)
      throw new NoMetric(`${failed}did not receive metrics for targeted pods (pods might be unready)`);
    const requests = workload.containers.map((spec) => resourcesOf(workload, spec).requests.cores);
    const without = workload.containers[requests.indexOf(undefined)];
    if (without !== undefined)
      throw new NoMetric(`${failed}missing request for cpu in container ${without.name} of Pod ${pods[0]}`);
    const perPod = 1000 * requests.reduce((sum: number, each) => sum + (each ?? 0), 0);
    const total = sumOf(values);
    return {
      proposed: proposedReplicas({
        currentReplicas: pods.length,
        pods,
        values,
        target: (perPod * target) / 100,
        fallback: (perPod * Math.max(100, target)) / 100,
      }),
      metricName: 'cpu resource utilization (percentage of request)',
      status: {
        type: 'Resource',
        resource: {
          name: 'cpu',
          current: {
            averageUtilization: Math.trunc((total * 100) / (perPod * values.size)),
            averageValue: formatDecimalNano(Math.trunc(total / values.size) * 1e6),
          },
        },
      },
    };
  }

  async function averageOf(
    { namespace, name: workload }: Workload,
    { name, averageValue }: { readonly name: string; readonly averageValue: bigint },
    pods: readonly string[],
  ): Promise<Measured> {
    const path = `/apis/custom.metrics.k8s.io/v1beta2/namespaces/${namespace}/pods/*/${name}`;
    const list = await get(path, `labelSelector=${encodeURIComponent(`app=${workload}`)}`).catch((error: unknown) => {
      throw new NoMetric(
        `unable to get metric ${name}: unable to fetch metrics from custom metrics API: ${messageOf(error)}`,
      );
    });
    const values = valuesOf(pods, list, (item) => [
      text(field(field(item, 'describedObject'), 'name')),
      1000 * parseQuantity(text(field(item, 'value')) ?? ''),
    ]);
    if (items(list).length === 0)
      throw new NoMetric(`unable to get metric ${name}: no metrics returned from custom metrics API`);
    if (values.size === 0) throw new NoMetric('did not receive metrics for targeted pods (pods might be unready)');
    const target = Number(averageValue) * 1000;
    return {
      proposed: proposedReplicas({ currentReplicas: pods.length, pods, values, target, fallback: target }),
      metricName: `pods metric ${name}`,
      status: {
        type: 'Pods',
        pods: {
          metric: { name },
          current: { averageValue: formatDecimalMilli(BigInt(Math.trunc(sumOf(values) / values.size))) },
        },
      },
    };
  }

  /** Returns the items of a list. @throws Error with the server's message. */
  async function get(path: string, query: string): Promise<readonly unknown[]> {
    const { statusCode, body } = await request(`${apiUrl}${path}?${query}`, {
      dispatcher: agent,
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      signal: AbortSignal.any([stop.signal, AbortSignal.timeout(requestMs)]),
    });
    const written = await body.text();
    // While the server is away, the API server answers in plain text.
    const content: unknown = statusCode === 503 ? { message: written } : JSON.parse(written);
    if (statusCode !== 200) throw new Error(text(field(content, 'message')) ?? String(statusCode));
    return items(field(content, 'items'));
  }
}

interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
}

/** Returns a function that looks at one autoscaler once, and reports whether it has ever had a number, or never will. */
function createController(
  autoscaled: AutoscalingOptions['autoscaled'][number],
  { podsOf, scale, write }: AutoscalingOptions,
  measure: (autoscaled: Autoscaled) => Promise<Measured>,
): () => Promise<boolean> {
  const { workload, bounds } = autoscaled;
  const conditions = new Map<string, Condition>();
  let proposals: { readonly atMs: number; readonly replicas: number }[] = [];
  return async () => {
    const nowMs = Date.now();
    const currentReplicas = podsOf(workload).length;
    set('AbleToScale', 'True', 'SucceededGetScale', "the HPA controller was able to get the target's current scale");
    try {
      const { proposed, metricName, status } = await measure(autoscaled);
      const found = `the HPA was able to successfully calculate a replica count from ${metricName}`;
      set('ScalingActive', 'True', 'ValidMetricFound', found);
      proposals = [
        ...proposals.filter(({ atMs }) => nowMs - atMs < stabilizationMs),
        { atMs: nowMs, replicas: proposed },
      ];
      const recent = proposals.map(({ replicas }) => replicas);
      const { replicas, ableToScale, scalingLimited } = decide(currentReplicas, proposed, recent, bounds);
      set('AbleToScale', 'True', ableToScale.reason, ableToScale.message);
      set('ScalingLimited', scalingLimited.status, scalingLimited.reason, scalingLimited.message);
      if (replicas !== currentReplicas) {
        scale(workload, replicas);
        const message = `the HPA controller was able to update the target scale to ${replicas}`;
        set('AbleToScale', 'True', 'SucceededRescale', message);
      }
      const scaled = replicas === currentReplicas ? {} : { lastScaleTime: rfc3339(nowMs) };
      write(autoscaled, {
        currentReplicas,
        desiredReplicas: replicas,
        currentMetrics: [status],
        ...scaled,
        ...written(),
      });
      return true;
    } catch (error) {
      if (!(error instanceof NoMetric)) throw error;
      const reason = 'utilization' in autoscaled.metric ? 'FailedGetResourceMetric' : 'FailedGetPodsMetric';
      set('ScalingActive', 'False', reason, `the HPA was unable to compute the replica count: ${error.message}`);
      write(autoscaled, { currentReplicas, currentMetrics: [{ type: '' }], ...written() });
      return error.message.includes('missing request') || conditions.has('ScalingLimited');
    }
  };

  function set(type: string, status: 'True' | 'False', reason: string, message: string): void {
    const before = conditions.get(type);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : rfc3339(Date.now());
    conditions.set(type, { type, status, lastTransitionTime, reason, message });
  }

  function written(): { readonly conditions: readonly Condition[] } {
    return { conditions: [...conditions.values()] };
  }
}

/** Returns the numbers of the pods that are there. */
function valuesOf(
  pods: readonly string[],
  list: readonly unknown[],
  read: (item: unknown) => readonly [name: string | undefined, milli: number],
): ReadonlyMap<string, number> {
  const known = new Set(pods);
  return new Map(
    list.flatMap((item): [string, number][] => {
      const [name, milli] = read(item);
      return name !== undefined && known.has(name) && Number.isFinite(milli) ? [[name, milli]] : [];
    }),
  );
}

function sumOf(values: ReadonlyMap<string, number>): number {
  return values.values().reduce((sum, value) => sum + value, 0);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

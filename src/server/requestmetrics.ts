/** Request metrics, with the names of k8s.io/apiserver where they mean the same. */
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from '../monitoring.ts';
import { isHealthPath } from './health.ts';
import type { RequestInfo } from './requestinfo.ts';
import { groupOf, type ServedGroup } from './servedgroup.ts';

export interface RequestMetrics {
  answered(info: RequestInfo, code: number, seconds: number): void;
  authenticated(result: 'success' | 'error'): void;
  /** no-opinion is a denial: no rule allows the request. */
  authorized(result: 'allowed' | 'no-opinion' | 'error'): void;
}

/** Some of Kubernetes' buckets, so that its queries match. */
const durationBuckets = [0.005, 0.025, 0.1, 0.4, 1, 5, 15, 60];

/** Registers the metrics of requests. */
export function createRequestMetrics(
  registry: Registry,
  inFlight: () => number,
  groups: readonly ServedGroup[],
): RequestMetrics {
  const registers = [registry];
  const total = new Counter({
    name: 'apiserver_request_total',
    help: 'Number of requests answered, by resource, verb and HTTP status.',
    labelNames: [...requestLabels, 'code'],
    registers,
  });
  const duration = new Histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Time from the headers of a request to the end of its answer.',
    labelNames: requestLabels,
    buckets: durationBuckets,
    registers,
  });
  const attempts = new Counter({
    name: 'authentication_attempts',
    help: 'Number of requests by whether their user was determined; anonymous is a success.',
    labelNames: ['result'],
    registers,
  });
  const decisions = new Counter({
    name: 'authorization_attempts_total',
    help: 'Number of requests by whether they were allowed.',
    labelNames: ['result'],
    registers,
  });
  new Gauge({
    name: 'apiserver_current_inflight_requests',
    help: 'Number of requests in flight that count for --max-requests-inflight.',
    labelNames: ['request_kind'],
    registers,
    collect() {
      this.set({ request_kind: 'readOnly' }, inFlight());
    },
  });
  const counters = new Map<string, ReturnType<typeof total.labels>>();
  const durations = new Map<string, ReturnType<typeof duration.labels>>();
  return {
    answered(info, code, seconds) {
      const labels = labelsOf(info, groups);
      const key = Object.values(labels).join(' ');
      cached(durations, key, () => duration.labels(labels)).observe(seconds);
      cached(counters, `${key} ${code}`, () => total.labels({ ...labels, code: String(code) })).inc();
    },
    authenticated: (result) => attempts.inc({ result }),
    authorized: (result) => decisions.inc({ result }),
  };
}

const requestLabels = [
  'verb',
  'group',
  'version',
  'resource',
  'subresource',
  'scope',
  'component',
  'dry_run',
] as const satisfies readonly (keyof RequestLabels)[];

type RequestLabels = ReturnType<typeof labelsOf>;

/** Returns known values only: each value that a client makes up would be a series for ever. */
function labelsOf(info: RequestInfo, groups: readonly ServedGroup[]) {
  const { method, path } = info;
  const group = groupOf(groups, info);
  const known = group?.labels(info);
  const isRead = method === 'GET' || method === 'HEAD';
  const verb = isRead ? (known?.verb ?? 'get').toUpperCase() : methods.has(method) ? method : 'other';
  return {
    verb,
    group: known === undefined ? '' : (group?.name ?? ''),
    version: known?.version ?? '',
    resource: known?.resource ?? '',
    // As Kubernetes reports the health path.
    subresource: known?.subresource ?? (isHealthPath(path) ? path : ''),
    scope: known?.scope ?? '',
    component: 'apiserver',
    dry_run: '',
  };
}

const methods: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

function cached<T>(map: Map<string, T>, key: string, make: () => T): T {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

/**
 * What differs from prometheus-adapter, each with its reason: docs/custom-metrics.md prints it. A case shows every row;
 * a difference that is in no row fails, and so does a row that no longer differs.
 */
import type { Observation } from '../conformance/normalise.ts';
import type { Difference } from './case.ts';

interface Row {
  readonly request: string;
  readonly adapter: string;
  readonly ours: string;
  readonly why: string;
}

export const rows = {
  badSelector: {
    request: 'a selector of metrics that cannot be parsed, or with `<` or `>`',
    adapter: '500, or 404',
    ours: '400',
    why: "it is the client's mistake",
  },
  labelName: {
    request: 'a selector of metrics with a key such as `app.kubernetes.io/name`',
    adapter: '500 `unable to fetch metrics`',
    ours: '400, and no engine is asked',
    why: 'no metric has such a label',
  },
  notEqual: {
    request: '`metricLabelSelector` with `!=`',
    adapter: '500',
    ours: 'served, and returned as `NotIn`',
    why: 'it is valid',
  },
  exactValues: {
    request: '`metricLabelSelector=method in (G.T)`',
    adapter: 'matches GET: values are regular expressions',
    ours: 'matches `G.T` only',
    why: 'a selector of labels has no regular expressions',
  },
  unknownResource: {
    request: '`*` for an unknown resource',
    adapter: '500 `unable to list matching resources`',
    ours: '404, as for one object',
    why: 'there is no such metric',
  },
  notANumber: {
    request: 'NaN, infinities, 2^63/1000 and above',
    adapter: '0 or -9223372036854775808m',
    ours: 'no value: left out of lists, 404 with a cause for one object',
    why: 'an autoscaler would scale to the minimum',
  },
  table: {
    request: 'Table, PartialObjectMetadataList',
    adapter: '406 after the query, or 500',
    ours: '406 before it',
    why: 'the query is of no use',
  },
  defaultNamespace: {
    request: 'an unknown external metric in the namespace `default`',
    adapter: '`... for namespaces`',
    ours: '`... for ` as in all namespaces',
    why: 'the namespace has nothing to do with it',
  },
  clusterScoped: {
    request: 'objects of a cluster-scoped custom resource',
    adapter: 'listed as namespaced, readable nowhere',
    ours: 'readable at the root',
    why: 'discovery says that they are cluster-scoped',
  },
  discovery: {
    request: 'discovery',
    adapter: 'in random order; v1beta2 is not in the group',
    ours: 'sorted; both versions',
    why: 'ETags and clients that choose a version need it',
  },
  causes: {
    request: '404, 500',
    adapter: 'without causes, or with the message again',
    ours: 'causes where there are any, such as an engine that cannot be reached',
    why: 'the reader needs the reason',
  },
  reasons: {
    request: 'a query of an external metric that makes a matrix, or null',
    adapter: '500 without a reason',
    ours: '500 with the reason InternalError',
    why: 'clients read the reason',
  },
  noName: {
    request: 'a name of an object or namespace that cannot be, such as `*` as the namespace of an external metric',
    adapter: 'the query is sent',
    ours: 'as without values: 404, or an empty list of external metrics; no engine is asked',
    why: 'text that is no name must not get into a query',
  },
  unknownField: {
    request: 'a file with a field that templates do not have, such as `<<.Nope>>`',
    adapter: 'starts, and each request is a 404',
    ours: 'refused at the start, with line and remedy',
    why: 'the mistake is in the file',
  },
  emptyName: {
    request: 'a file with `as: "$1_x"`, which names the group `1_x`',
    adapter: 'starts, and the metric has no name',
    ours: 'refused at the start, with the hint `${1}_x`',
    why: 'the mistake is in the file',
  },
  unknownOverride: {
    request: 'a file whose override names a resource that the cluster does not have',
    adapter: 'refused at the start',
    ours: 'starts, and logs it',
    why: 'its definition may come later',
  },
  olderFlags: {
    request: 'the flags `--logtostderr`, `-c` of older manifests',
    adapter: 'refused',
    ours: 'accepted',
    why: 'manifests in the field have them',
  },
  pending: {
    request: '`*` for pods that are all Pending or ended',
    adapter: 'an empty list',
    ours: '404',
    why: 'only running pods are in memory; both are errors for an autoscaler',
  },
  redirect: {
    request: 'a query that the engine, or a proxy before it, redirects',
    adapter: 'the redirect is followed',
    ours: '500 with the target as a cause',
    why: 'credentials must not go where an answer says; use the target as `--prometheus-url`',
  },
  lastValue: {
    request: 'a metric with a value, while Prometheus cannot be reached, is overloaded or does not answer',
    adapter: '500',
    ours: 'the last value with its own timestamp, for `--metrics-max-age`; then 500',
    why: 'an outage of minutes stops no autoscaler',
  },
  partialUsage: {
    request:
      'metrics.k8s.io (`--resource-metrics=prometheus`) of a pod with NaN, or with a container that lacks CPU or memory',
    adapter: '0 for the missing number',
    ours: 'the pod is left out; 404 with a cause for one pod',
    why: 'an autoscaler would scale to the minimum',
  },
  usageFails: {
    request: 'metrics.k8s.io (`--resource-metrics=prometheus`) of pods while Prometheus fails',
    adapter: '200 without the pods, 404 for one',
    ours: '500 with the reason',
    why: 'an autoscaler takes missing pods for idle ones',
  },
} as const satisfies Readonly<Record<string, Row>>;

export type RowName = keyof typeof rows;

export function customDifferenceTable(): string {
  const lines = Object.values(rows).map(
    ({ request, adapter, ours, why }) => `| ${[request, adapter, ours, why].join(' | ')} |`,
  );
  return ['| request | prometheus-adapter | kubegauge | why |', '|---|---|---|---|', ...lines].join('\n');
}

/** Ours answers by an error instead, whose message begins like this, made before the engine is asked. */
export function refused(row: RowName, code: 400 | 404 | 406, message: string): Difference {
  const reason = { 400: 'BadRequest', 404: 'NotFound', 406: 'NotAcceptable' }[code];
  // What is not acceptable is written for humans, as by the adapter.
  const form = code === 406 ? 'indented JSON' : 'compact JSON';
  return {
    row,
    queries: 'none',
    ours: (real, ours) => {
      const said = isRecord(ours.body) ? String(ours.body['message']) : '';
      const whole = said.startsWith(message) ? said : message;
      return { ...real, status: code, form, body: failure(code, reason, whole) };
    },
  };
}

/** Ours leaves these objects out of the list, whose values are no quantity. */
export function leftOut(...names: readonly string[]): Difference {
  return {
    row: 'notANumber',
    ours: (real) => withItems(real, (items) => items.filter((item) => !names.includes(nameOf(item)))),
  };
}

/** Ours has one cause more than the adapter, which says what this text does. */
export function explained(text: string): Difference {
  return { row: 'causes', ours: (real, ours) => withCausesOf(real, ours, (cause) => cause.includes(text)) };
}

/** Ours has the value that it had before. */
export const lastValue: Difference = {
  row: 'lastValue',
  queries: 'any',
  ours: (real, ours) => (ours.status === 200 && itemsOf(ours).length === 1 ? ours : real),
};

/** Ours follows no redirect. */
export const redirected: Difference = {
  row: 'redirect',
  queries: 'any',
  ours: (real, ours) => {
    const unable = 'unable to fetch metrics';
    const message = `Internal error occurred: ${unable}`;
    const { code, ...rest } = failure(500, 'InternalError', message);
    const body = { ...rest, details: { causes: [{ message: unable }] }, code };
    return withCausesOf({ ...real, status: 500, body }, ours, (cause) => cause.includes('redirects (302) to '));
  },
};

export const notFound = (message: string): unknown => failure(404, 'NotFound', message);

function failure(code: number, reason: string, message: string) {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
}

/**
 * The rows `notANumber`, `causes` and `reasons`, wherever they show: for reads that are made from what is listed. The
 * answer of ours is given for the words of its causes only.
 */
export function anyOf(path: string): Difference {
  return {
    row: 'causes',
    isOptional: true,
    ours: (real, ours) => {
      const counted = withoutImpossible(real, path);
      return withCausesOf(withReason(counted), ours, (cause) => cause !== '');
    },
  };
}

/** Values that no quantity has; NaN is 0 at the adapter, and no series of that name is 0. */
function withoutImpossible(real: Observation, path: string): Observation {
  const metric = decodeURIComponent(/([^/]+?)(?:\?.*)?$/.exec(path)?.[1] ?? '');
  const isPossible = (item: unknown) => {
    const value = isRecord(item) ? item['value'] : undefined;
    return value !== '-9223372036854775808m' && !(/(?:nan|inf)$/.test(metric) && value === '0');
  };
  const before = itemsOf(real);
  const left = before.filter(isPossible);
  if (left.length === before.length) return real;
  const named = /([^/]+)\/([^/*]+)\/[^/]+$/.exec(path.replace(/\?.*/, ''));
  if (left.length > 0 || named === null || path.includes('/external.')) return withItems(real, () => left);
  const [, resource = '', name = ''] = named;
  if (resource === '*') return withItems(real, () => left);
  const object = name === 'metrics' ? `namespaces ${resource}` : `${resource} ${name}`;
  return { ...real, status: 404, body: notFound(`the server could not find the metric ${metric} for ${object}`) };
}

const withoutReason: ReadonlySet<unknown> = new Set([
  'encountered an unexpected query result type',
  'the provided input did not contain vector query results',
]);

function withReason(real: Observation): Observation {
  if (!isRecord(real.body) || !withoutReason.has(real.body['message'])) return real;
  const { code, ...rest } = real.body;
  return { ...real, body: { ...rest, reason: 'InternalError', code } };
}

/** Adds the last cause of ours, if there is one more and it is as it should be. */
function withCausesOf(real: Observation, ours: Observation, isRight: (cause: string) => boolean): Observation {
  if (!isRecord(real.body) || !isRecord(ours.body)) return real;
  const [before, after] = [causesOf(real.body), causesOf(ours.body)];
  const added = after.at(-1);
  if (after.length !== before.length + 1 || !isRecord(added) || !isRight(String(added['message']))) return real;
  const { code, details, ...rest } = real.body;
  return {
    ...real,
    body: { ...rest, details: { ...(isRecord(details) ? details : {}), causes: [...before, added] }, code },
  };
}

function causesOf({ details }: Readonly<Record<string, unknown>>): readonly unknown[] {
  const causes = isRecord(details) ? details['causes'] : undefined;
  return Array.isArray(causes) ? causes : [];
}

/** Returns the observation with other items of its list. */
function withItems(real: Observation, change: (items: readonly unknown[]) => readonly unknown[]): Observation {
  return isRecord(real.body) && Array.isArray(real.body['items'])
    ? { ...real, body: { ...real.body, items: change(itemsOf(real)) } }
    : real;
}

function itemsOf({ body }: Observation): readonly unknown[] {
  return isRecord(body) && Array.isArray(body['items']) ? body['items'] : [];
}

/** The object's name, or of an external metric the labels as JSON. */
function nameOf(item: unknown): string {
  if (!isRecord(item)) return '';
  const object = item['describedObject'];
  return isRecord(object) ? String(object['name']) : JSON.stringify(item['metricLabels']);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

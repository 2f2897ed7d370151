/** metrics.k8s.io by resourceRules: objects, queries, and what becomes of pods without a number. */
import { M, type CustomCase, type Difference, type Watch } from '../case.ts';
import { isRecord } from '../differences.ts';

/** Both evaluate now; the recorder takes away less than a second, and a busy machine some. */
const nearMs = 10_000;

interface SeenUsage {
  readonly status: number;
  readonly body: unknown;
  /** Sorted, as the names in them. */
  readonly queries: readonly string[];
}

/** Asks for the path. The times of objects become `now` where they are; containers are sorted, which the adapter's are not. */
const usage =
  (path: string) =>
  async ({ ask, server: { recorder } }: Watch): Promise<SeenUsage> => {
    const before = recorder.requests.length;
    const { status, body } = await ask({ path });
    const queries = recorder.requests
      .slice(before)
      .filter(({ path: to }) => to.endsWith('/query'))
      .map(({ parameters }) => withSortedNames(parameters.get('query') ?? ''));
    return { status, body: JSON.parse(body.toString(), revive), queries: queries.toSorted() };
  };

function revive(key: string, value: unknown): unknown {
  if (key === 'timestamp' || key === 'creationTimestamp') {
    return Math.abs(Date.parse(String(value)) - Date.now()) < nearMs ? 'now' : value;
  }
  if (key !== 'containers' || !Array.isArray(value)) return value;
  return value.toSorted((a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1));
}

/** Ours escapes names in regular expressions, which other cases are about. */
function withSortedNames(query: string): string {
  return query
    .replaceAll(String.raw`\\.`, '.')
    .replaceAll(/=~"([^"]*)"/g, (_, names: string) => `=~"${names.split('|').toSorted().join('|')}"`);
}

/** Ours has the cause in addition. */
const explained: Difference = {
  row: 'causes',
  ours: (real, ours) => {
    const { details, code, ...rest } = bodyOf(real);
    const causes = isRecord(bodyOf(ours)['details']) ? bodyOf(ours)['details'] : undefined;
    return {
      ...real,
      body: { ...rest, details: { ...(isRecord(details) ? details : {}), causes: causesIn(causes) }, code },
    };
  },
};

/** Ours leaves these pods out. */
const leftOut = (...names: readonly string[]): Difference => ({
  row: 'partialUsage',
  ours: (real) => {
    const { items, ...rest } = bodyOf(real);
    const kept = (Array.isArray(items) ? items : []).filter(
      (item: { readonly metadata: { readonly name: string } }) => !names.includes(item.metadata.name),
    );
    return { ...real, body: { ...rest, items: kept } };
  },
});

function bodyOf(seen: unknown): Readonly<Record<string, unknown>> {
  const body = isRecord(seen) ? seen['body'] : undefined;
  return isRecord(body) ? body : {};
}

function causesIn(details: unknown): unknown {
  return isRecord(details) ? details['causes'] : undefined;
}

/** What is left of an answer while Prometheus fails. */
const failing =
  (path: string) =>
  async ({ ask, server: { recorder } }: Watch): Promise<unknown> => {
    recorder.fault = ({ path: to }, response) => {
      if (to.endsWith('/query')) response.writeHead(422).end('{"status":"error","errorType":"execution","error":"x"}');
      return to.endsWith('/query');
    };
    try {
      const { status, body } = await ask({ path });
      const { items, reason }: { readonly items?: readonly unknown[]; readonly reason?: string } = JSON.parse(
        body.toString(),
      );
      return { status, items: items?.length, reason };
    } finally {
      recorder.fault = undefined;
    }
  };

const usageFails: Difference = {
  row: 'usageFails',
  ours: () => ({ status: 500, items: undefined, reason: 'InternalError' }),
};

const shop = `${M}/namespaces/shop/pods`;

export const resources: readonly CustomCase[] = [
  { statements: [], name: 'nodes', probe: usage(`${M}/nodes`) },
  { statements: [], name: 'a node', probe: usage(`${M}/nodes/node-a`) },
  {
    statements: [],
    name: 'a node without samples',
    probe: usage(`${M}/nodes/node-b`),
    differs: explained,
  },
  {
    statements: [],
    name: 'pods by label; one without CPU is left out',
    probe: usage(`${shop}?labelSelector=app%3Dweb`),
  },
  { statements: [], name: 'a pod', probe: usage(`${shop}/web-0`) },
  { statements: [], name: 'a pod without CPU', probe: usage(`${shop}/web-2`), differs: explained },
  { statements: [], name: 'an unknown pod', probe: usage(`${shop}/nobody`) },
  { statements: [], name: 'a namespace without pods', probe: usage(`${M}/namespaces/empty/pods`) },
  {
    statements: [],
    name: 'pods of a container without CPU, and of NaN',
    probe: usage(`${shop}?labelSelector=app+in+(idle,dots)`),
    differs: leftOut('idle-0', 'axb'),
  },
  { statements: [], name: 'pods while Prometheus fails', probe: failing(shop), differs: usageFails },
  { statements: [], name: 'a pod while Prometheus fails', probe: failing(`${shop}/axb`), differs: usageFails },
];

/** Reads which resources kube-apiserver serves: aggregated discovery, or a list per version where there is none. */
import type { DescribedResource } from '../metricsource/described.ts';
import { field, items, text } from './json.ts';
import { mapLimited } from './limited.ts';
import type { RestClient } from './rest.ts';

const aggregated = (version: string) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
/** v2beta1 is that of Kubernetes 1.27 to 1.29. */
const accept = `${aggregated('v2')},${aggregated('v2beta1')},application/json`;

/** Bytes of one document. A cluster with 1,000 CRDs has 1 MB. */
const documentLimitBytes = 16 * 1024 * 1024;
/** Resources of all groups and versions. */
const resourceLimit = 20_000;
/** Lists per version that are requested at a time. */
const concurrency = 4;

/** Groups whose resources are metrics. */
const metricGroups: ReadonlySet<string> = new Set([
  'metrics.k8s.io',
  'custom.metrics.k8s.io',
  'external.metrics.k8s.io',
]);

/**
 * Returns each resource once, with the version that its group prefers, in kube-apiserver's order of groups; the core
 * group comes first. Leaves out groups that do not answer.
 * @throws Error or StatusError if kube-apiserver itself does not answer.
 */
export async function readResources(rest: RestClient, signal: AbortSignal): Promise<readonly DescribedResource[]> {
  const [core, groups] = await Promise.all(
    ['/api', '/apis'].map((path) => rest.get(path, { accept, signal, limitBytes: documentLimitBytes })),
  );
  const found = new Map<string, DescribedResource>();
  for (const document of [core, groups]) {
    const lists = isAggregated(document) ? readAggregated(document) : await readLegacy(rest, document, signal);
    for (const resource of lists) {
      const key = `${resource.resource}.${resource.group}`;
      if (!found.has(key) && found.size < resourceLimit) found.set(key, resource);
    }
  }
  return [...found.values()];
}

function isAggregated(document: unknown): boolean {
  return field(document, 'kind') === 'APIGroupDiscoveryList';
}

/** The versions of a group come in its order of preference. */
function readAggregated(document: unknown): readonly DescribedResource[] {
  return items(field(document, 'items')).flatMap((item) => {
    const group = text(field(field(item, 'metadata'), 'name')) ?? '';
    if (metricGroups.has(group)) return [];
    return items(field(item, 'versions')).flatMap((version) =>
      items(field(version, 'resources')).flatMap((each) =>
        describe({
          group,
          version: text(field(version, 'version')),
          resource: text(field(each, 'resource')),
          singular: text(field(each, 'singularResource')),
          kind: text(field(field(each, 'responseKind'), 'kind')),
          namespaced: field(each, 'scope') === 'Namespaced',
        }),
      ),
    );
  });
}

interface Described {
  readonly group: string;
  readonly version: string | undefined;
  readonly resource: string | undefined;
  readonly singular: string | undefined;
  readonly kind: string | undefined;
  readonly namespaced: boolean;
}

/** Returns none for a subresource, and for an entry without a name or kind. */
function describe({ group, version, resource, singular, kind, namespaced }: Described): readonly DescribedResource[] {
  if (version === undefined || resource === undefined || kind === undefined || kind === '') return [];
  if (resource === '' || resource.includes('/')) return [];
  // Old servers leave the singular empty.
  return [{ group, version, resource, kind, singular: singular || kind.toLowerCase(), namespaced }];
}

interface LegacyVersion {
  readonly group: string;
  readonly version: string;
}

async function readLegacy(
  rest: RestClient,
  document: unknown,
  signal: AbortSignal,
): Promise<readonly DescribedResource[]> {
  const read = (version: LegacyVersion) => readList(rest, version, signal);
  const lists = await mapLimited(versionsIn(document), concurrency, signal, read);
  signal.throwIfAborted();
  return lists.flatMap((list) => list ?? []);
}

/** Returns the versions of /api or /apis, the preferred one of each group first. */
function versionsIn(document: unknown): readonly LegacyVersion[] {
  if (field(document, 'kind') === 'APIVersions') {
    return items(field(document, 'versions')).flatMap((each) =>
      typeof each === 'string' ? [{ group: '', version: each }] : [],
    );
  }
  return items(field(document, 'groups')).flatMap((each) => {
    const group = text(field(each, 'name')) ?? '';
    if (metricGroups.has(group)) return [];
    const preferred = text(field(field(each, 'preferredVersion'), 'version'));
    const others = items(field(each, 'versions')).map((version) => text(field(version, 'version')));
    const ordered = [...new Set([preferred, ...others])];
    return ordered.flatMap((version) => (version === undefined ? [] : [{ group, version }]));
  });
}

/** Returns none for a version that does not answer, such as one of an aggregated server that is away. */
async function readList(
  rest: RestClient,
  { group, version }: LegacyVersion,
  signal: AbortSignal,
): Promise<readonly DescribedResource[]> {
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const list = await rest.get(path, { signal, limitBytes: documentLimitBytes }).catch(() => signal.throwIfAborted());
  return items(field(list, 'resources')).flatMap((each) =>
    describe({
      group,
      version,
      resource: text(field(each, 'name')),
      singular: text(field(each, 'singularName')),
      kind: text(field(each, 'kind')),
      namespaced: field(each, 'namespaced') === true,
    }),
  );
}

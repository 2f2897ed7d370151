/** The routes of custom.metrics.k8s.io. */
import { customGroup, type CustomVersion, customVersions, metricValuesInPieces } from '../api/custom/metricvalues.ts';
import type { CustomReader, CustomRequest } from '../api/custom/reader.ts';
import { parseMetricSelector } from '../api/metricselector.ts';
import { badRequest } from '../apimachinery/status.ts';
import { parseSelectionOptions } from './listoptions.ts';
import type { ApiRequest, RequestInfo } from './requestinfo.ts';
import type { ApiRoute } from './route.ts';
import type { ServedGroup } from './servedgroup.ts';
import { valueRoute } from './values.ts';
import { createWriterPool } from './writers.ts';

export function createCustomMetricsGroup(reader: CustomReader): ServedGroup {
  const writers = createWriterPool();
  return {
    name: customGroup,
    route(info) {
      const version = versionOf(info);
      if (version === undefined) return undefined;
      if (isTooShort(info)) return invalidPath;
      const target = targetOf(info);
      return target && valueRoute((request) => read(target, version, request), writers);
    },
    labels(info) {
      const version = versionOf(info);
      if (version === undefined || targetOf(info) === undefined) return undefined;
      // As custom-metrics-apiserver: neither metrics nor resources are labels.
      return { verb: 'get', version, resource: '*', subresource: '*', scope: 'resource' };
    },
  };

  async function read(target: CustomTarget, version: CustomVersion, { info, signal, caller }: ApiRequest) {
    const labelSelector = parseSelectionOptions(info.query, target.name);
    const parameter = 'metricLabelSelector';
    const metricSelector = parseMetricSelector(info.query.get(parameter) ?? '', parameter);
    const question = { ...target, labelSelector, metricSelector, caller };
    return metricValuesInPieces(await reader.read(question, signal()), version);
  }
}

function versionOf({ resource }: RequestInfo): CustomVersion | undefined {
  return customVersions.find((known) => known === resource?.version);
}

type CustomTarget = Omit<CustomRequest, 'labelSelector' | 'metricSelector' | 'caller'>;

/** Returns undefined for a path that names no metric. */
function targetOf({ resource: requested, shape }: RequestInfo): CustomTarget | undefined {
  if (requested === undefined || shape === 'other' || requested.name === '') return undefined;
  const { resource, namespace, name, subresource } = requested;
  const isNamespaced = shape === 'namespaced';
  if (subresource !== '')
    return { resource, namespace: isNamespaced ? namespace : undefined, name, metric: subresource };
  // namespaces/<name>/metrics/<metric> is about the Namespace itself.
  if (!isNamespaced || resource !== 'metrics' || namespace === '') return undefined;
  return { resource: 'namespaces', namespace: undefined, name: namespace, metric: name };
}

/** Reports whether the path is namespaces/<name>/<any>, which Kubernetes takes for a root-scoped metric. */
function isTooShort({ resource, shape }: RequestInfo): boolean {
  return shape === 'namespaced' && resource?.name === '' && resource.resource !== '' && resource.namespace !== '';
}

const invalidPath: ApiRoute = valueRoute(async () => {
  throw badRequest('invalid request path');
}, createWriterPool());

/** The routes of external.metrics.k8s.io. */
import { externalGroup, externalValuesInPieces, externalVersion } from '../api/external/externalvalues.ts';
import type { ExternalReader } from '../api/external/reader.ts';
import { parseMetricSelector } from '../api/metricselector.ts';
import type { EncodableInPieces } from '../apimachinery/encoding.ts';
import { watchNotSupported } from '../apimachinery/status.ts';
import { parseListOptions } from './listoptions.ts';
import type { ApiRequest, RequestInfo } from './requestinfo.ts';
import type { ServedGroup } from './servedgroup.ts';
import { valueRoute } from './values.ts';
import { createWriterPool } from './writers.ts';

export function createExternalMetricsGroup(reader: ExternalReader): ServedGroup {
  const writers = createWriterPool();
  return {
    name: externalGroup,
    route(info) {
      const target = targetOf(info);
      return target && valueRoute((request) => read(target, request), writers);
    },
    labels(info) {
      if (targetOf(info) === undefined) return undefined;
      const verb = info.resource?.verb ?? '';
      // Metrics are no labels.
      return { verb, version: externalVersion, resource: '*', subresource: '', scope: 'namespace' };
    },
  };

  async function read(target: ExternalTarget, { info, signal, caller }: ApiRequest): Promise<EncodableInPieces> {
    const { watch } = parseListOptions(info.query);
    if (watch) throw watchNotSupported({ group: externalGroup, resource: '*' });
    const parameter = 'labelSelector';
    const selector = parseMetricSelector(info.query.get(parameter) ?? '', parameter);
    return externalValuesInPieces(target.metric, await reader.read({ ...target, selector, caller }, signal()));
  }
}

interface ExternalTarget {
  readonly metric: string;
  readonly namespace: string;
}

/** The metric is in the place of a resource, and has no name: namespaces/<namespace>/<metric>. */
function targetOf({ resource, shape }: RequestInfo): ExternalTarget | undefined {
  if (resource?.version !== externalVersion || shape !== 'namespaced') return undefined;
  const { resource: metric, namespace, name, subresource } = resource;
  if (metric === '' || namespace === '' || name !== '' || subresource !== '') return undefined;
  return { metric, namespace };
}

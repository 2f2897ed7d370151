/** The groups of custom and external metrics, each served only where there is a source for it. */
import { discoveredCustomMetrics } from '../api/custom/discovery.ts';
import { customOpenApi } from '../api/custom/openapi.ts';
import { createCustomReader } from '../api/custom/reader.ts';
import { discoveredExternalMetrics } from '../api/external/discovery.ts';
import { externalOpenApi } from '../api/external/openapi.ts';
import { createExternalReader } from '../api/external/reader.ts';
import type { DescribedObjects, Mapper } from '../metricsource/described.ts';
import type { CustomMetricSource, ExternalMetricSource } from '../metricsource/source.ts';
import { createCustomMetricsGroup } from '../server/custommetrics.ts';
import { createExternalMetricsGroup } from '../server/externalmetrics.ts';
import type { ApiGroups } from './apigroups.ts';

export interface ValueSources {
  /** Undefined serves no custom metrics. */
  readonly custom: CustomMetricSource | undefined;
  /** Undefined serves no external metrics. */
  readonly external: ExternalMetricSource | undefined;
  readonly mapper: Mapper;
  readonly objects: DescribedObjects;
}

export function createValueGroups({ custom, external, mapper, objects }: ValueSources): ApiGroups {
  const groups = [
    custom && {
      served: createCustomMetricsGroup(createCustomReader({ source: custom, mapper, objects })),
      discovered: discoveredCustomMetrics(custom),
      openApi: customOpenApi(),
    },
    external && {
      served: createExternalMetricsGroup(createExternalReader(external)),
      discovered: discoveredExternalMetrics(external),
      openApi: externalOpenApi(),
    },
  ].filter((group) => group !== undefined);
  return {
    served: groups.map(({ served }) => served),
    discovered: groups.map(({ discovered }) => discovered),
    openApi: groups.map(({ openApi }) => openApi),
  };
}

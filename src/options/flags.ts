/** The flag table: source of parser, types, --help, the tables of docs/configuration.md and the check of the manifests. */
import { authenticationFlags } from './flags/authentication.ts';
import { authorizationFlags } from './flags/authorization.ts';
import { clusterFlags } from './flags/cluster.ts';
import type { FlagSection } from './flags/flag.ts';
import { kubeletFlags } from './flags/kubelet.ts';
import { loggingFlags } from './flags/logging.ts';
import { prometheusFlags } from './flags/prometheus.ts';
import { customMetricsFlags } from './flags/custommetrics.ts';
import { diagnosticFlags } from './flags/diagnostics.ts';
import { scrapingFlags } from './flags/scraping.ts';
import { servingFlags } from './flags/serving.ts';

/** In the order of --help. */
export const flagSections: Readonly<Record<string, FlagSection>> = {
  Cluster: clusterFlags,
  Scraping: scrapingFlags,
  Kubelet: kubeletFlags,
  'Custom metrics': customMetricsFlags,
  Prometheus: prometheusFlags,
  Serving: servingFlags,
  Authentication: authenticationFlags,
  Authorization: authorizationFlags,
  Logging: loggingFlags,
  Misc: diagnosticFlags,
};

export const flags = {
  ...clusterFlags,
  ...scrapingFlags,
  ...kubeletFlags,
  ...customMetricsFlags,
  ...prometheusFlags,
  ...servingFlags,
  ...authenticationFlags,
  ...authorizationFlags,
  ...loggingFlags,
  ...diagnosticFlags,
} as const;

export type FlagName = keyof typeof flags;

interface Parsed {
  readonly string: string;
  readonly boolean: boolean;
  readonly integer: number;
  readonly number: number;
  readonly duration: number;
  readonly list: readonly string[];
  readonly repeated: readonly string[];
}

/** Durations in milliseconds; undefined only if unset and without a default. */
export type Options = {
  readonly [Name in FlagName]:
    | Parsed[(typeof flags)[Name]['type']]
    | ((typeof flags)[Name]['default'] extends undefined ? undefined : never);
};

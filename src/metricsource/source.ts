/**
 * The contract between sources of metrics and the APIs that serve them. It knows neither HTTP nor an engine: sources
 * return numbers of objects that the API has matched, and the API writes objects.
 */
import type { Labels, LabelSelector } from '../apimachinery/labels.ts';
import type { StatusCause } from '../apimachinery/meta.ts';
import type { GroupResource } from '../apimachinery/status.ts';
import type { DescribedResource } from './described.ts';

/** An entry of discovery: a metric that objects of a resource may have. */
export interface CustomMetric {
  /** By its plural. */
  readonly resource: GroupResource;
  /** The resource's scope; false for nodes, namespaces and persistentvolumes. */
  readonly namespaced: boolean;
  readonly metric: string;
}

/** A number with its time. */
export interface MetricSample {
  /** Since the epoch. */
  readonly timestampMs: number;
  /** The interval that the value was computed over; absent where it is unknown. */
  readonly windowSeconds?: number;
  /** Thousandths, as `milliOf` returns them. */
  readonly valueMilli: bigint;
}

/** The client of a question. Those of one kind never wait for those of another. */
export interface Caller {
  /** system: a controller of the cluster, such as the autoscaler. stranger: anonymous. */
  readonly kind: 'system' | 'user' | 'stranger';
  readonly name: string;
}

export interface CustomQuestion {
  readonly metric: string;
  readonly resource: DescribedResource;
  /** Empty for cluster-scoped objects, which Namespace objects are, too. */
  readonly namespace: string;
  /** The objects; sorted, at least one. */
  readonly names: readonly string[];
  /** True if the client named one object, which may not exist; false for a list. */
  readonly isNamed: boolean;
  /** Selects series of the metric. Neither Gt nor Lt occurs. */
  readonly metricSelector: LabelSelector;
  readonly caller: Caller;
}

export interface ObjectSample extends MetricSample {
  /** One of the question's names. */
  readonly name: string;
}

export interface CustomAnswer {
  /** In any order. The last of several samples of one object is served. */
  readonly samples: readonly ObjectSample[];
  /** Why objects have no value, such as a histogram. Sent in the 404 for a named object. */
  readonly causes?: readonly StatusCause[];
  /**
   * Why a listed metric has no samples of any object yet. Then a list without samples is a 404 as well, with this text
   * behind its message: the autoscaler's condition shows the message only.
   */
  readonly pending?: string;
}

export interface CustomMetricSource {
  /** Returns the same array until a metric comes or goes, so that callers can keep what they made of it. */
  list(): readonly CustomMetric[];
  /**
   * Returns why a metric that is not in `list` may be missing, such as an engine that cannot be reached; undefined
   * where the source lacks nothing. Sent as a cause of the 404.
   */
  absence?(metric: string, resource: GroupResource): string | undefined;
  /**
   * Returns samples of a metric in `list`.
   * @param signal aborts at the request's deadline, and when its client has gone.
   * @throws StatusError for the client; its cause is for the log.
   */
  get(question: CustomQuestion, signal: AbortSignal): Promise<CustomAnswer>;
}

export interface ExternalQuestion {
  readonly metric: string;
  readonly namespace: string;
  /** Selects series of the metric. Neither Gt nor Lt occurs. */
  readonly selector: LabelSelector;
  readonly caller: Caller;
}

export interface ExternalSample extends MetricSample {
  /** All labels of the series; undefined for a scalar. */
  readonly labels: Labels | undefined;
}

export interface ExternalMetricSource {
  /** As `CustomMetricSource.list`, by names. */
  list(): readonly string[];
  /** As `CustomMetricSource.absence`. */
  absence?(metric: string): string | undefined;
  /** As `CustomMetricSource.get`. The samples are served in this order. */
  get(question: ExternalQuestion, signal: AbortSignal): Promise<readonly ExternalSample[]>;
}

/** The state of a rule or a metric of a source, for /status and the doctor. */
export interface SourceReport {
  /** The source's name, such as `kubelet` or the name of a Prometheus. */
  readonly source: string;
  /** The rule or the metric in the words of its configuration. */
  readonly rule: string;
  /** Metrics that the rule exposes. */
  readonly metrics: number;
  /** Series behind them; undefined where they are not counted. */
  readonly series?: number | undefined;
  /** Since the epoch; undefined before the first success. */
  readonly lastSuccessMs?: number | undefined;
  /** Undefined while the rule works. */
  readonly lastError?: string | undefined;
  /** Why values may be missing although it works. */
  readonly warning?: string | undefined;
  /** The last query that was sent. */
  readonly query?: string | undefined;
}

/** Watches HorizontalPodAutoscalers for the custom metrics that they name. */
import { StatusError } from '../apimachinery/status.ts';
import type { Clock } from '../clock.ts';
import { createInformer } from '../client/informer.ts';
import { field, items, text } from '../client/json.ts';
import { objectMeta } from '../client/kubernetesmessages.ts';
import { type Message, protobufType } from '../client/protobufreader.ts';
import type { RestClient } from '../client/rest.ts';
import type { Logger } from '../logging.ts';

export interface AutoscalerMetrics {
  /** Calls the listener with all names after each change of them. */
  onChange(listener: (names: ReadonlySet<string>) => void): void;
  /** Reports whether the first list is complete, or was denied. */
  isKnown(): boolean;
  run(signal: AbortSignal): Promise<void>;
}

export interface AutoscalerMetricsOptions {
  readonly rest: RestClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** Reports whether a metric of this name is in the catalogue. */
  readonly isKnown: (metric: string) => boolean;
}

const either = `${protobufType},application/json;q=0.9`;
const accept = { list: either, watch: either };

const identifier: Message = { 1: { name: 'name', kind: 'word' } };

/** Field numbers are those of k8s.io/api's autoscaling/v2/generated.proto. */
const message: Message = {
  1: { name: 'metadata', kind: 'message', message: objectMeta([]) },
  2: {
    name: 'spec',
    kind: 'message',
    message: {
      4: {
        name: 'metrics',
        kind: 'list',
        message: {
          2: {
            name: 'object',
            kind: 'message',
            message: { 3: { name: 'metric', kind: 'message', message: identifier } },
          },
          3: {
            name: 'pods',
            kind: 'message',
            message: { 1: { name: 'metric', kind: 'message', message: identifier } },
          },
        },
      },
    },
  },
};

/** Joins names; it is in none. */
const separator = '/';

export function createAutoscalerMetrics({ rest, clock, log, isKnown }: AutoscalerMetricsOptions): AutoscalerMetrics {
  const listeners: ((names: ReadonlySet<string>) => void)[] = [];
  const path = '/apis/autoscaling/v2/horizontalpodautoscalers';
  // Its names as one string: an equal one is no change, as most changes are of the status.
  const parse = (object: unknown): string | undefined => namesIn(object).filter(isKnown).join(separator) || undefined;
  let isKnownOrDenied = false;
  const onListed = (error?: unknown) => {
    isKnownOrDenied ||= error === undefined || (error instanceof StatusError && error.code === 403);
  };
  const informer = createInformer({ rest, clock, log, path, accept, message, parse, onListed });
  informer.onChange(() => {
    const names = new Set([...informer.values()].flatMap((joined) => joined.split(separator)));
    for (const listener of listeners) listener(names);
  });
  return {
    onChange: (listener) => void listeners.push(listener),
    isKnown: () => isKnownOrDenied,
    run: (signal) => informer.run(signal),
  };
}

/** Returns the metrics of types Pods and Object; sorted, each once. */
function namesIn(object: unknown): string[] {
  const names = items(field(field(object, 'spec'), 'metrics')).flatMap((metric) =>
    ['pods', 'object'].map((type) => text(field(field(field(metric, type), 'metric'), 'name')) ?? ''),
  );
  return [...new Set(names)].filter((name) => name !== '').sort();
}

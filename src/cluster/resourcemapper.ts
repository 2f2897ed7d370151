/** Finds the cluster's resources by name, and follows those that come and go. */
import type { Clock } from '../clock.ts';
import { readResources } from '../client/resourcediscovery.ts';
import type { RestClient } from '../client/rest.ts';
import type { Logger } from '../logging.ts';
import type { DescribedResource, Mapper } from '../metricsource/described.ts';
import { createResourceIndex } from '../metricsource/resourceindex.ts';

/** Milliseconds between two reads of discovery. */
export const refreshMs = 60_000;
/** Milliseconds after which an unknown resource brings the next read forward. */
const missRefreshMs = 10_000;
/** Milliseconds until the first retry; doubled up to `missRefreshMs`. */
const firstRetryMs = 500;

export interface ResourceMapper extends Mapper {
  /** Reports whether discovery was read once. */
  synced(): boolean;
  /** As resourceFor, for names that are usually none, such as labels: a miss brings no read forward. */
  readonly quiet: Mapper;
  /** Calls the listener after resources came, went or changed. */
  onChange(listener: () => void): void;
  /** Never rejects; resolves after the signal has aborted. */
  run(signal: AbortSignal): Promise<void>;
}

const core = { group: '', version: 'v1' };

/** Metrics of these do not wait for discovery, nor fail without it. */
const alwaysKnown: readonly DescribedResource[] = [
  { ...core, resource: 'pods', singular: 'pod', kind: 'Pod', namespaced: true },
  { ...core, resource: 'namespaces', singular: 'namespace', kind: 'Namespace', namespaced: false },
  { ...core, resource: 'nodes', singular: 'node', kind: 'Node', namespaced: false },
];

export interface ResourceMapperOptions {
  readonly rest: RestClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** From 0 to below 1. */
  readonly random?: () => number;
}

export function createResourceMapper(options: ResourceMapperOptions): ResourceMapper {
  return new RefreshedMapper(options);
}

class RefreshedMapper implements ResourceMapper {
  readonly quiet: Mapper = { resourceFor: (name) => this.#index.resourceFor(name) };
  readonly #options: ResourceMapperOptions;
  readonly #listeners: (() => void)[] = [];
  #index = createResourceIndex(alwaysKnown);
  #text = '';
  #isSynced = false;
  #isFailing = false;
  #triedMs = -Infinity;
  #wake: (() => void) | undefined;

  constructor(options: ResourceMapperOptions) {
    this.#options = options;
  }

  synced(): boolean {
    return this.#isSynced;
  }

  resourceFor(name: string): DescribedResource | undefined {
    const found = this.#index.resourceFor(name);
    const ageMs = this.#options.clock.monotonicMs() - this.#triedMs;
    if (found === undefined && ageMs >= missRefreshMs) this.#wake?.();
    return found;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    let retryMs = firstRetryMs;
    while (!signal.aborted) {
      const isRead = await this.#read(signal);
      const { random = Math.random } = this.#options;
      await this.#pause(isRead ? refreshMs : retryMs * (0.5 + random() / 2), signal);
      retryMs = isRead ? firstRetryMs : Math.min(retryMs * 2, missRefreshMs);
    }
  }

  /** Ends early by `#wake`. */
  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const early = new AbortController();
    this.#wake = () => early.abort();
    await this.#options.clock.sleep(ms, AbortSignal.any([signal, early.signal])).catch(() => undefined);
    this.#wake = undefined;
  }

  /** Returns whether it worked. After a failure the last resources stay. */
  async #read(signal: AbortSignal): Promise<boolean> {
    const { rest, clock, log } = this.#options;
    this.#triedMs = clock.monotonicMs();
    try {
      this.#keep(await readResources(rest, signal));
      if (this.#isFailing) log.info({}, 'reads the discovery of kube-apiserver again');
      this.#isFailing = false;
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (!this.#isFailing)
        log.warn(
          { code: 'DiscoveryFails', err: error },
          'cannot read the discovery of kube-apiserver; retries until it works',
        );
      this.#isFailing = true;
      return false;
    }
  }

  #keep(resources: readonly DescribedResource[]): void {
    this.#isSynced = true;
    const text = JSON.stringify(resources);
    if (text === this.#text) return;
    this.#text = text;
    this.#index = createResourceIndex(resources);
    for (const listener of this.#listeners) listener();
  }
}

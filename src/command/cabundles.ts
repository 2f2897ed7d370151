/**
 * Keeps this pod's root in caBundle of the APIServices that name its Service: one publication each, and their state for
 * readiness, /status and metrics.
 */
import { Counter, Gauge } from 'prom-client';
import { group, versions } from '../api/types.ts';
import type { RestClient } from '../client/rest.ts';
import type { Clock } from '../clock.ts';
import type { PodInfo, Pods } from '../cluster/pods.ts';
import type { Logger } from '../logging.ts';
import type { CodedText } from '../messagecodes.ts';
import type { Registry } from '../monitoring.ts';
import type { CaBundleReport } from '../server/statuspage.ts';
import { type PodRoot, type RootOwner, rootOwnerOf } from '../tls/podroot.ts';
import { createPublication, type Publication } from '../trustpublication/publication.ts';
import { createBackendSource } from '../trustpublication/servicebackends.ts';
import type { PodClaim } from './podclaim.ts';
import type { ServerPod } from './serverpod.ts';

export interface CaBundlesOptions {
  /** Names of the APIServices of the groups that are served. */
  readonly apiServices: readonly string[];
  readonly pod: ServerPod;
  readonly claim: Pick<PodClaim, 'isHeld' | 'run'>;
  readonly root: PodRoot;
  readonly rest: RestClient;
  readonly pods: Pick<Pods, 'synced' | 'get' | 'onGone'>;
  /** Reports whether kubelets get tokens of another ServiceAccount. */
  readonly isSeparate: () => boolean;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface CaBundles {
  /** Returns why kube-apiserver does not accept our certificate yet; undefined once it does for every API. */
  problem(): CodedText | undefined;
  reports(): readonly CaBundleReport[];
  /** Never rejects; writes nothing after the abort. */
  run(signal: AbortSignal): Promise<void>;
}

const metricsApiServices: ReadonlySet<string> = new Set(versions.map((version) => `${version}.${group}`));

export function createCaBundles(options: CaBundlesOptions): CaBundles {
  const { apiServices, pod, claim, root, rest, pods, isSeparate, registry, clock, log } = options;
  const patches = new Counter({
    name: 'kubegauge_ca_bundle_patches_total',
    help: 'Number of patches of APIServices by what they did: stage, switch, append, repair, prune.',
    labelNames: ['write'],
    registers: [registry],
  });
  const logged = new Map<string, string>();
  const source = createBackendSource(rest, pod.service);
  const publications = apiServices.map((name): readonly [string, Publication] => {
    const publication = createPublication({
      rest,
      clock,
      log,
      name,
      own: { owner: pod.owner, root: root.certificate, service: pod.service },
      ownerOf: rootOwnerOf,
      pods: source,
      isRunning: (owner) => !pods.synced() || isThis(owner, pods.get(owner.namespace, owner.pod)),
      isSeparate,
      isFirst: () => claim.isHeld(),
      // With custom metrics on and the rights of their component missing, metrics.k8s.io is served all the same.
      mayHoldBack: metricsApiServices.has(name),
      onPatch: (write) => patches.inc({ write }),
      onState({ code, state, level }) {
        // The APIServices are mostly in the same state, which takes one line.
        const isLogged = [...logged].some(([other, line]) => other !== name && line === state);
        logged.set(name, state);
        if (!isLogged) log[level]({ code, apiService: name }, state);
      },
    });
    return [name, publication];
  });
  const wake = () => {
    for (const [, publication] of publications) publication.wake();
  };
  pods.onGone(({ namespace }) => {
    // Its root is to be pruned, or it was in the way of the switch.
    if (namespace === pod.owner.namespace) wake();
  });
  const reports = () => publications.map(([apiService, publication]) => reportOf(apiService, publication));
  createReadyMetric(registry, reports);
  return {
    problem() {
      const waiting = publications.find(([, publication]) => !publication.ready());
      return waiting && { code: waiting[1].code(), text: `${waiting[0]}: ${waiting[1].state()}` };
    },
    reports,
    run: async (signal) =>
      void (await Promise.all([
        claim.run(signal, wake),
        ...publications.map(([, publication]) => publication.run(signal)),
      ])),
  };
}

function isThis(owner: RootOwner, found: PodInfo | undefined): boolean {
  return found?.uid === owner.uid;
}

function reportOf(apiService: string, publication: Publication): CaBundleReport {
  return {
    apiService,
    code: publication.code(),
    state: publication.state(),
    ready: publication.ready(),
    trouble: publication.isTrouble(),
  };
}

function createReadyMetric(registry: Registry, reports: CaBundles['reports']): void {
  new Gauge({
    name: 'kubegauge_ca_bundle_ready',
    help: 'Whether kube-apiserver accepts our serving certificate for this APIService, or verifies none (1 or 0).',
    labelNames: ['apiservice'],
    registers: [registry],
    collect() {
      for (const { apiService, ready } of reports()) this.set({ apiservice: apiService }, ready ? 1 : 0);
    },
  });
}

/** The steps that tests of verified pods share: the process makes room for pods, a client lists all the time, bundles are read. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { waitFor } from '../wait.ts';
import { apiServiceNames, apiServiceState } from './apiservices.ts';
import type { Harness } from './harness.ts';
import { failures, type Listed, type Lister, startLister } from './lister.ts';
import { listServerPods, makeRoomForPods, rolledOut } from './podserver.ts';

export interface VerifiedPods {
  /** Ends the process, removes manifests/base and makes the image. */
  begin(): Promise<void>;
  /** Lists nodes in these versions through kube-apiserver, every 200 ms. */
  list(versions: readonly string[]): Promise<Lister>;
  /** Resolves when these APIServices are verified, and their bundles hold the roots of these pods and of no others. */
  published(pods: readonly string[], names?: readonly string[]): Promise<void>;
  /** Returns the serving certificate of a pod as PEM. */
  shownCertificate(ip: string): Promise<string>;
  /** Names of the pods behind the Service, those that end included. */
  podNames(): Promise<string[]>;
  /** Resolves when the Deployment is rolled out and the APIService is Available. */
  available(apiService: string): Promise<void>;
}

export const inKubeSystem = '--namespace=kube-system';
/** Roots are pruned a minute after their pods are gone. */
const publishedTimeoutMs = 150_000;

export function createVerifiedPods(shared: Harness): VerifiedPods {
  const { cluster, loads, credentials } = shared;
  return { begin, list, published, shownCertificate, podNames, available };

  async function begin(): Promise<void> {
    await Promise.all([loads.running(), shared.productImage()]);
    await makeRoomForPods(shared);
  }

  function list(versions: readonly string[]): Promise<Lister> {
    const paths = versions.map((version) => `/apis/metrics.k8s.io/${version}/nodes`);
    return startLister(cluster, { url: cluster.apiServerUrl, paths, token: credentials.readerToken, everyMs: 200 });
  }

  async function published(pods: readonly string[], names: readonly string[] = apiServiceNames): Promise<void> {
    const wanted = pods.toSorted().join();
    const isSo = async () => {
      const states = await Promise.all(names.map((name) => apiServiceState(cluster, name)));
      return states.every((state) => state.published.join() === wanted && !state.insecure);
    };
    await waitFor(`the bundles to hold the roots of ${wanted} only`, isSo, publishedTimeoutMs, 500);
  }

  async function shownCertificate(ip: string): Promise<string> {
    const url = `https://${ip}:10250/livez`;
    return cluster.runInNamespace('curl', ['-sSk', '--output', '/dev/null', '--write-out', '%{certs}', url]);
  }

  async function podNames(): Promise<string[]> {
    return (await listServerPods(cluster)).map(({ metadata }) => metadata?.name ?? '');
  }

  async function available(apiService: string): Promise<void> {
    await rolledOut(cluster);
    const wait = ['wait', '--for=condition=Available', '--timeout=120s', `apiservice/${apiService}`];
    await cluster.kubectl(wait, { timeoutMs: 130_000 });
  }
}

export function assertNoFailure(t: TestContext, answers: readonly Listed[]): void {
  t.diagnostic(`${answers.length} requests, ${failures(answers).length} failed`);
  assert.deepEqual(failures(answers), []);
}

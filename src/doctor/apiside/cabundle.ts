/** Checks how kube-apiserver verifies the server: caBundle against the certificates that the pods really show, and our roots in it. */
import { type Check, type CheckContext, tolerant } from '../check.ts';
import type { ClusterReader } from '../clusterreader.ts';
import type { Finding } from '../finding.ts';
import { bundleLimitBytes, longestRootBytes } from '../../trustpublication/publishedroots.ts';
import { keepOffAnnotation, otherWriterOf, readApiService, stagedText } from '../../trustpublication/apiserviceview.ts';
import { flagIn } from '../flagwords.ts';
import { UncheckedError } from '../uncheckederror.ts';
import { checkBundle } from './bundlecertificates.ts';
import type { UsedEndpoint } from '../../client/endpointslices.ts';
import { foreignEndpoints } from './foreignendpoints.ts';
import { applyManifests, fitsManifests } from './manifests.ts';
import { mendVerification } from './otherwriter.ts';
import {
  isSame,
  readValueApis,
  type RegisteredVersion,
  registeredVersions,
  type ServiceAddress,
  servicesOf,
  valueApiNames,
} from './registration.ts';
import { checkStagedRoots, checkStaleRoots } from './podroots.ts';
import { kindOfImage, type PodBehindService, podsBehind, servingContainer } from './servingpods.ts';
import { checkShown } from './showncertificates.ts';

export const caBundleCheck: Check = {
  name: 'ca-bundle',
  title: 'how kube-apiserver verifies the server: caBundle, the certificates shown, roots of pods',
  codes: [
    'tls-not-verified',
    'bundle-unreadable',
    'bundle-too-long',
    'bundle-certificate-expired',
    'bundle-certificate-expires',
    'bundle-mismatch',
    'certificate-name',
    'certificate-expired',
    'certificate-expires',
    'roots-staged',
    'root-stale',
    'bundle-kept-off',
  ],
  run,
};

async function* run(context: CheckContext): AsyncIterable<Finding> {
  const { api } = context;
  const versions = await registeredVersions(api);
  const others = yield* otherApis(context, servicesOf(versions));
  for (const version of [...versions, ...others]) {
    if (version.service === undefined) continue;
    yield* checkVersion(version);
    if (!version.insecure && version.bundle !== '') yield* checkBundle(version, context.nowMs());
    const { service } = version;
    yield* tolerant(async function* ofPods() {
      const pods = await podsBehind(api, service);
      yield* checkRoots(api, version, pods);
      const beside = await endpointsBeside(context, service);
      yield* checkShown(context, version, service, pods, beside);
    });
  }
}

/** Returns the APIServices of custom and external metrics that lead to kubegauge or to the server of metrics.k8s.io. */
async function* otherApis(
  context: CheckContext,
  services: readonly ServiceAddress[],
): AsyncGenerator<Finding, readonly RegisteredVersion[]> {
  const registered: RegisteredVersion[] = [];
  // Each by itself: with one component, the server may read the APIServices of that one only.
  for (const name of valueApiNames) registered.push(...((yield* readValueApis(context, [name], false)) ?? []));
  const others: RegisteredVersion[] = [];
  for (const version of registered) {
    const { service } = version;
    if (service === undefined) continue;
    if (services.some((each) => isSame(each, service)) || (await leadsToKubegauge(context, service)))
      others.push(version);
  }
  return others;
}

async function leadsToKubegauge({ api }: CheckContext, service: ServiceAddress): Promise<boolean> {
  try {
    return (await podsBehind(api, service)).some(isKubegauge);
  } catch (error) {
    // An adapter's namespace is not the server's to read.
    if (error instanceof UncheckedError) return false;
    throw error;
  }
}

/** Where EndpointSlices may not be read, the check of the Service says so. */
async function endpointsBeside(context: CheckContext, service: ServiceAddress): Promise<readonly UsedEndpoint[]> {
  try {
    return await foreignEndpoints(context, service);
  } catch (error) {
    if (error instanceof UncheckedError) return [];
    throw error;
  }
}

function* checkVersion(version: RegisteredVersion): Iterable<Finding> {
  const view = readApiService(version.object);
  const other = otherWriterOf(view);
  if (other?.annotation === keepOffAnnotation) {
    yield {
      code: 'bundle-kept-off',
      severity: 'note',
      object: `APIService ${version.name}`,
      problem: 'an operator keeps kubegauge from writing caBundle; its pods add no root and repair nothing',
      evidence: `annotation ${keepOffAnnotation}`,
      remedy: `kubectl annotate apiservice ${version.name} ${keepOffAnnotation}-`,
    };
  }
  // Beside another writer, pods add nothing anyway.
  if (other !== undefined) return;
  if (Math.max(version.bundle.length, stagedText(view).length) + longestRootBytes <= bundleLimitBytes) return;
  yield {
    code: 'bundle-too-long',
    severity: 'warning',
    object: `APIService ${version.name}`,
    problem: `caBundle or its staged roots have no room for another root (${bundleLimitBytes} bytes): pods of kubegauge add nothing more`,
    remedy: mendVerification(version),
  };
}

async function* checkRoots(
  api: ClusterReader,
  version: RegisteredVersion,
  pods: readonly PodBehindService[],
): AsyncIterable<Finding> {
  const view = readApiService(version.object);
  const running = pods.filter(({ ended }) => !ended);
  const ours = running.filter(isKubegauge);
  if (!version.insecure) {
    // With files of its own, a server leaves caBundle alone.
    const writers = ours.filter(
      ({ containers }) => flagIn(servingContainer(containers)?.words ?? [], 'tls-cert-file') === undefined,
    );
    yield* checkStaleRoots(version, running, writers.length > 0 && otherWriterOf(view) === undefined);
    return;
  }
  if (ours.length > 0) yield* checkStagedRoots(version, stagedText(view), running);
  else yield notVerified(version, await fitsManifests(api, pods));
}

function isKubegauge({ containers }: PodBehindService): boolean {
  return kindOfImage(servingContainer(containers)?.image ?? '') === 'kubegauge';
}

function notVerified({ name }: RegisteredVersion, isInPlace: boolean): Finding {
  return {
    code: 'tls-not-verified',
    severity: 'warning',
    object: `APIService ${name}`,
    problem:
      "insecureSkipTLSVerify is set: kube-apiserver accepts any server at the Service's address, which then sees who asks and may invent numbers",
    remedy: applyManifests({ unverified: [name], isInPlace }, 'which makes verification work by itself'),
  };
}

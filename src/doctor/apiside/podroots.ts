/** Checks roots of kubegauge's pods: those that wait in the annotation, and those that pods have left behind. */
import type { Finding } from '../finding.ts';
import { text, field } from '../../client/json.ts';
import { command, longJsonPatch } from '../remedy.ts';
import { otherWriterOf, readApiService, stagedRootsAnnotation } from '../../trustpublication/apiserviceview.ts';
import { bundleLimitBytes, rootsIn, withoutRoots } from '../../trustpublication/publishedroots.ts';
import { rootOwnerOf } from '../../tls/podroot.ts';
import { bundleOwnerOf } from './bundleowner.ts';
import { mendVerification, verifyByOther } from './otherwriter.ts';
import type { RegisteredVersion } from './registration.ts';
import type { PodBehindService } from './servingpods.ts';

/** Pods named in one finding. */
const namedPods = 5;

/** While verification is off: which pods keep it off. */
export function* checkStagedRoots(
  version: RegisteredVersion,
  staged: string,
  pods: readonly PodBehindService[],
): Iterable<Finding> {
  const { name } = version;
  const uids = new Set(rootsIn(staged, rootOwnerOf).map(({ owner }) => owner.uid));
  const missing = pods.filter(({ uid, ready, deleting }) => (ready || !deleting) && !uids.has(uid));
  const object = `APIService ${name}`;
  const names = missing.slice(0, namedPods).map(({ namespace, name: pod }) => `${namespace}/${pod}`);
  const evidence = `${uids.size} roots in annotation ${stagedRootsAnnotation}`;
  const other = otherWriterOf(readApiService(version.object));
  if (other !== undefined) {
    const problem = `kube-apiserver does not verify the server, and kubegauge may not change that: the annotation ${other.annotation} is set`;
    const remedy = verifyByOther(version, other.annotation, pods);
    yield { code: 'tls-not-verified', severity: 'warning', object, problem, remedy };
  } else if (missing.length > 0 && uids.size > 0) {
    yield {
      code: 'roots-staged',
      severity: 'note',
      object,
      problem: `kube-apiserver verifies the server once these pods have staged a root, or are gone: ${names.join(', ')}`,
      evidence,
      remedy: command('kubectl', 'get', 'pods', '--namespace', missing[0]?.namespace ?? '', '--output=wide'),
    };
  } else {
    yield {
      code: 'tls-not-verified',
      severity: 'warning',
      object,
      problem:
        uids.size === 0
          ? 'kube-apiserver does not verify the server, and no pod has staged a root: the server may lack the right to patch the APIService, or was given --tls-cert-file'
          : 'kube-apiserver does not verify the server, although every pod has staged a root; it should begin within a minute',
      evidence,
      remedy: `kubegauge doctor rights\n${command('kubectl', 'logs', '--namespace', pods[0]?.namespace ?? '', pods[0]?.name ?? '')} | grep caBundle`,
    };
  }
}

/**
 * While verification is on: roots of pods that are gone. Their keys are gone, too, so they are untidy, not dangerous.
 * @param prunes whether the running pods remove them.
 */
export function* checkStaleRoots(
  version: RegisteredVersion,
  pods: readonly PodBehindService[],
  prunes: boolean,
): Iterable<Finding> {
  const { name, bundle, object: apiService } = version;
  if (bundle.length > bundleLimitBytes) return;
  const uids = new Set(pods.map(({ uid }) => uid));
  const stale = rootsIn(bundle, rootOwnerOf).filter(({ owner }) => !uids.has(owner.uid));
  if (stale.length === 0) return;
  const rest = withoutRoots(bundle, stale);
  // An empty bundle would switch verification off.
  const remedy =
    rest.trim() === '' && bundleOwnerOf(version) !== undefined
      ? mendVerification(version)
      : longJsonPatch('apiservice', name, withBundle(apiService, rest));
  const names = stale.slice(0, namedPods).map(({ owner }) => `${owner.namespace}/${owner.pod}`);
  yield {
    code: 'root-stale',
    severity: prunes ? 'note' : 'warning',
    object: `APIService ${name}`,
    problem: `caBundle has ${stale.length} roots of pods that are gone: ${names.join(', ')}${
      prunes ? '; the pods of kubegauge remove them within some minutes' : ''
    }`,
    ...(prunes ? {} : { remedy }),
  };
}

/** Returns a JSON patch that fails if another writer has changed caBundle since, as a new pod that added its root. */
function withBundle(apiService: unknown, bundle: string): readonly object[] {
  const path = '/spec/caBundle';
  const seen = { op: 'test', path, value: text(field(field(apiService, 'spec'), 'caBundle')) };
  if (bundle.trim() !== '')
    return [seen, { op: 'replace', path, value: Buffer.from(bundle, 'latin1').toString('base64') }];
  return [seen, { op: 'remove', path }, { op: 'add', path: '/spec/insecureSkipTLSVerify', value: true }];
}

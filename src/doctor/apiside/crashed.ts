/** Says why a server ends again and again, by the log of its container that ended. */
import { field, items, text } from '../../client/json.ts';
import { foreignText } from '../../foreigntext.ts';
import { readable } from '../check.ts';
import type { ClusterReader } from '../clusterreader.ts';
import { command, jsonPatch } from '../remedy.ts';
import type { PodBehindService } from './servingpods.ts';

export interface Crash {
  readonly message: string;
  readonly remedy: string;
}

interface Crashed {
  readonly pod: PodBehindService;
  /** Its name; undefined if it is not known. */
  readonly container: string | undefined;
  /** The Deployment; undefined if it may not be read. */
  readonly owner: unknown;
}

/** Lines of the log: metrics-server prints its help behind an error. */
const logLines = 400;
/** Characters of a line of the log that are shown. */
const shownCharacters = 300;

/** @param message of the kubelet, which says only that it waits. */
export async function explainCrash(api: ClusterReader, crashed: Crashed, message: string): Promise<Crash> {
  const { namespace, name } = crashed.pod;
  const { container } = crashed;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/log`;
  const query = { previous: 'true', tailLines: String(logLines), ...(container === undefined ? {} : { container }) };
  const answer = await readable(api.text(path, query), undefined);
  const log = answer?.status === 200 ? answer.text : '';
  const showLog = command('kubectl', 'logs', '--namespace', namespace, name, '--previous');
  const found = unknownFlag(log, crashed) ?? readOnlyFolder(log, crashed) ?? noConnection(log, crashed);
  if (found !== undefined) return { message: found.message, remedy: found.remedy ?? showLog };
  const error = /^(?:Error|panic): .*$/m.exec(log)?.[0];
  const words = error === undefined ? '' : `; its log: ${foreignText(error, { limit: shownCharacters })}`;
  return { message: `${message}${words}`, remedy: showLog };
}

interface Found {
  readonly message: string;
  /** Undefined where the Deployment cannot be read, or is another one by now. */
  readonly remedy: string | undefined;
}

/** The usual reason after an update. */
function unknownFlag(log: string, { pod, container, owner }: Crashed): Found | undefined {
  const flag = /unknown (?:shorthand )?flag: '?(--?[A-Za-z0-9-]{1,100})/.exec(log)?.[1];
  if (flag === undefined) return undefined;
  const patch = withoutFlag(owner, container, flag);
  return {
    message: `the server does not know the flag ${foreignText(flag)}`,
    remedy: patch && jsonPatch('deployment', pod.namespace, pod.deployment ?? '', patch),
  };
}

/** The default of --cert-dir is a folder beside the program. */
function readOnlyFolder(log: string, { pod, container, owner }: Crashed): Found | undefined {
  const [, error] =
    /self-signed certificates: ((?:mkdir|open) [^\n]{1,200}: (?:read-only file system|permission denied))/.exec(log) ??
    [];
  if (error === undefined) return undefined;
  const patch = withCertificateFolder(owner, container);
  return {
    message: `the server cannot write its certificate: ${foreignText(error)}; --cert-dir names another folder`,
    remedy: patch && jsonPatch('deployment', pod.namespace, pod.deployment ?? '', patch),
  };
}

/** Go's words for a request of kube-apiserver's that got no connection; those of kubelets have other paths. */
const dialError =
  /\bGet "?https:\/\/([^/\s"]{1,260})\/apis?\/[^\n]{0,500}: dial tcp [^\n]{1,300}(i\/o timeout|connection refused|no route to host|network is unreachable)/;

/** A server reads kube-apiserver's front-proxy CA at its start. */
function noConnection(log: string, { pod: { namespace, nodeName } }: Crashed): Found | undefined {
  const [, address, reason] = dialError.exec(log) ?? [];
  if (address === undefined || reason === undefined) return undefined;
  const onNode = ['--all-namespaces', `--field-selector=spec.nodeName=${nodeName}`, '--output=wide'];
  return {
    message: `the server gets no connection to kube-apiserver at ${foreignText(address)} (${reason}): kube-proxy or the CNI plugin fails on its node, a NetworkPolicy keeps its pod from it, or nothing listens there`,
    remedy: [
      command('kubectl', 'get', 'pods', ...onNode),
      command('kubectl', 'get', 'networkpolicies', '--namespace', namespace),
      command(
        'kubectl',
        'get',
        'endpointslices',
        '--namespace=default',
        '--selector=kubernetes.io/service-name=kubernetes',
      ),
    ].join('\n'),
  };
}

/** Returns the container of a Deployment and its place; undefined if the Deployment cannot be read. */
function containerOf(owner: unknown, name: string | undefined): { container: unknown; path: string } | undefined {
  const containers = items(field(field(field(field(owner, 'spec'), 'template'), 'spec'), 'containers'));
  const index = containers.findIndex((each) => field(each, 'name') === name);
  return index < 0 ? undefined : { container: containers[index], path: `/spec/template/spec/containers/${index}` };
}

/** Returns a JSON patch of the Deployment; undefined if it cannot be read or lacks the flag. */
function withoutFlag(owner: unknown, name: string | undefined, flag: string): readonly object[] | undefined {
  const found = containerOf(owner, name);
  const isFlag = (word: unknown) => word === flag || (typeof word === 'string' && word.startsWith(`${flag}=`));
  const patch = ['command', 'args'].flatMap((member) => {
    const words = items(field(found?.container, member));
    if (!words.some(isFlag)) return [];
    return [{ op: 'replace', path: `${found?.path}/${member}`, value: words.filter((word) => !isFlag(word)) }];
  });
  return patch.length === 0 ? undefined : patch;
}

const folder = '/tmp';

/** Returns a JSON patch that names a folder in memory or on the node's disk, as the releases do. The last flag counts. */
function withCertificateFolder(owner: unknown, name: string | undefined): readonly object[] | undefined {
  const found = containerOf(owner, name);
  if (found === undefined) return undefined;
  const { container, path } = found;
  const mounts = items(field(container, 'volumeMounts'));
  const volumes = items(field(field(field(field(owner, 'spec'), 'template'), 'spec'), 'volumes'));
  const isMounted = mounts.some((mount) => text(field(mount, 'mountPath')) === folder);
  const volume = 'tmp-dir';
  const known = volumes.find((each) => field(each, 'name') === volume);
  if (!isMounted && known !== undefined && field(known, 'emptyDir') === undefined) return undefined;
  const add = (at: string, value: readonly unknown[]) => ({ op: 'add', path: at, value });
  return [
    add(`${path}/args`, [...items(field(container, 'args')), `--cert-dir=${folder}`]),
    ...(isMounted
      ? []
      : [
          add(`${path}/volumeMounts`, [...mounts, { name: volume, mountPath: folder }]),
          add('/spec/template/spec/volumes', [
            ...volumes.filter((each) => field(each, 'name') !== volume),
            { name: volume, emptyDir: {} },
          ]),
        ]),
  ];
}

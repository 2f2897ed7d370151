/** Explains the APIServices of custom.metrics.k8s.io and external.metrics.k8s.io: who serves them, and whether the server has a source for them. */
import { customGroup, customVersions } from '../../api/custom/metricvalues.ts';
import { externalGroup, externalVersion } from '../../api/external/externalvalues.ts';
import { applyFiles, manifestsAccount } from '../apiside/manifests.ts';
import { isSame, type RegisteredVersion, type ServiceAddress, serviceObject } from '../apiside/registration.ts';
import { type ExposedAccounts, refusalOf } from '../apiside/shownaccounts.ts';
import type { Finding } from '../finding.ts';
import { command } from '../remedy.ts';

export interface ValueApi {
  readonly group: string;
  /** The first is the one that the HPA controller reads. */
  readonly versions: readonly string[];
  /** The component of manifests/ that registers it, and its file of APIServices. */
  readonly component: readonly [name: string, file: string];
}

export const valueApis: readonly ValueApi[] = [
  { group: customGroup, versions: customVersions, component: ['custom-metrics', 'apiservices.yaml'] },
  { group: externalGroup, versions: [externalVersion], component: ['external-metrics', 'apiservice.yaml'] },
];

export const namesOf = ({ group, versions }: ValueApi): readonly string[] =>
  versions.map((version) => `${version}.${group}`);

/** Whether the server has a source of a group: `unknown` where a file decides that doctor does not see. */
export type HasSource = 'yes' | 'no' | 'unknown';

export interface ValueApiFacts {
  readonly api: ValueApi;
  readonly registered: readonly RegisteredVersion[];
  /** The Service of metrics.k8s.io. */
  readonly server: ServiceAddress;
  readonly exposed: ExposedAccounts;
  readonly hasSource: HasSource;
}

type InstalledApi = Pick<ValueApiFacts, 'api' | 'exposed'>;

export const apiCodes = [
  'custom-api-not-registered',
  'custom-api-without-source',
  'custom-api-unavailable',
  'custom-api-elsewhere',
  'custom-api-of-keda',
  'custom-api-versions-differ',
] as const;

export function* explainValueApi(facts: ValueApiFacts): Generator<Finding> {
  const { api, registered, hasSource } = facts;
  const ours = registered.filter(({ service }) => isSame(service, facts.server));
  const others = registered.filter(({ service }) => service !== undefined).filter((each) => !ours.includes(each));
  if (registered.length === 0 && hasSource === 'yes') yield notRegistered(facts);
  const taken = ours.filter(isOfKeda);
  if (taken.length > 0) yield takenFromKeda(taken);
  else if (ours.length > 0 && hasSource === 'no') yield withoutSource(api, ours);
  else for (const each of ours) if (each.available?.status !== 'True') yield unavailable(api, each, hasSource);
  if (ours.length > 0 && others.length > 0) yield versionsDiffer(facts);
  else if (others.length > 0) yield elsewhere(facts, others);
}

const besideKeda = 'see docs/custom-metrics.md#beside-keda of kubegauge';

/** By the label of KEDA's manifests and chart, which stays where another APIService is applied over theirs, or by the Service. */
function isOfKeda({ labels, service }: RegisteredVersion): boolean {
  return (
    labels.get('app.kubernetes.io/part-of') === 'keda-operator' ||
    /^keda.*-metrics-apiserver$/.test(service?.name ?? '')
  );
}

function takenFromKeda(taken: readonly RegisteredVersion[]): Finding {
  return {
    code: 'custom-api-of-keda',
    severity: 'error',
    object: objectOf(taken),
    problem: "it is KEDA's by its labels, and names this server's Service: autoscalers of ScaledObjects get no metrics",
    evidence: taken.map(servedBy).join(', '),
    remedy: [
      `# leave the component external-metrics out of your kustomization, then apply KEDA's manifests or its chart again, ${besideKeda}`,
      `# where KEDA is gone: ${taken.map(({ name }) => `kubectl label apiservice ${name} app.kubernetes.io/part-of-`).join('; ')}`,
    ].join('\n'),
  };
}

const objectOf = (versions: readonly RegisteredVersion[]): string =>
  `APIService ${versions.map(({ name }) => name).join(', ')}`;

/** The component's rights are to write, for the account of the manifests. */
function applyComponent({ api, exposed }: InstalledApi): string {
  const [name, file] = api.component;
  const role = { kind: 'ClusterRole', name: `system:kubegauge-${name}-ca-bundle` } as const;
  const refusal = refusalOf([{ verb: 'patch', resource: 'apiservices', role }], manifestsAccount, exposed);
  const apply = applyFiles(name, [file, 'rbac.yaml']);
  return refusal === undefined ? apply : `${refusal.remedy}\n${apply}`;
}

export function notRegistered({ api, exposed }: InstalledApi): Finding {
  return {
    code: 'custom-api-not-registered',
    severity: 'error',
    object: `APIService ${namesOf(api)[0]}`,
    problem: `the server has a source of ${api.group}, but no version of it is registered, so no client finds its metrics`,
    remedy: applyComponent({ api, exposed }),
  };
}

function withoutSource({ group }: ValueApi, ours: readonly RegisteredVersion[]): Finding {
  return {
    code: 'custom-api-without-source',
    severity: 'error',
    object: objectOf(ours),
    problem: `no flag gives the server a source of ${group}, so it does not serve the group: while it is registered, no namespace can be deleted`,
    remedy: command('kubectl', 'delete', 'apiservice', ...ours.map(({ name }) => name)),
  };
}

function unavailable(api: ValueApi, { name, version, available }: RegisteredVersion, hasSource: HasSource): Finding {
  const { reason = '', message = 'kube-apiserver has not judged it yet' } = available ?? {};
  const list = api.group === customGroup ? 'rules' : 'externalRules';
  const why = hasSource === 'unknown' ? ` The group is served only if the file of --config has ${list}.` : '';
  return {
    code: 'custom-api-unavailable',
    severity: 'error',
    object: `APIService ${name}`,
    problem: `kube-apiserver answers 503 for it, and no namespace can be deleted.${why}`,
    evidence: reason === '' ? message : `${reason}: ${message}`,
    remedy: `kubegauge doctor apiservices service ca-bundle\n${command('kubectl', 'get', '--raw', `/apis/${api.group}/${version}`)}`,
  };
}

/** An adapter beside the server is well, unless the server was meant to replace it. */
function elsewhere(facts: ValueApiFacts, others: readonly RegisteredVersion[]): Finding {
  const { api, hasSource } = facts;
  const finding = {
    code: 'custom-api-elsewhere',
    object: objectOf(others),
    evidence: others.map(servedBy).join(', '),
  } as const;
  const isKeda = others.some(isOfKeda);
  if (hasSource !== 'yes')
    return {
      ...finding,
      severity: 'note',
      problem: isKeda ? 'KEDA serves it, for its ScaledObjects' : 'another server serves it',
    };
  if (isKeda) {
    return {
      ...finding,
      severity: 'warning',
      problem: `KEDA serves it, for its ScaledObjects, so clients do not see the metrics that this server has for ${api.group}`,
      remedy: `# leave the group to KEDA: move externalRules to prometheus triggers of ScaledObjects, ${besideKeda}`,
    };
  }
  return {
    ...finding,
    severity: 'warning',
    problem: `another server serves it, although this one has a source of ${api.group}: clients do not see its metrics`,
    remedy: applyComponent(facts),
  };
}

function versionsDiffer(facts: ValueApiFacts): Finding {
  const { api, registered } = facts;
  const [preferred] = api.versions;
  return {
    code: 'custom-api-versions-differ',
    severity: 'warning',
    object: objectOf(registered),
    problem: `the versions are served by different servers; autoscalers read ${preferred} where it is registered`,
    evidence: registered.map(servedBy).join(', '),
    remedy: `${applyComponent(facts)}\n# or, to leave the group to the other server, delete the APIServices of this one`,
  };
}

const servedBy = ({ name, service }: RegisteredVersion): string =>
  `${name} by ${service === undefined ? 'kube-apiserver' : serviceObject(service)}`;

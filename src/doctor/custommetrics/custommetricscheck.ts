/** Checks custom.metrics.k8s.io and external.metrics.k8s.io: their APIServices and rights, and the sources and rules behind them. */
import { customGroup } from '../../api/custom/metricvalues.ts';
import { statusResourcePath } from '../../api/statusresource.ts';
import { isSame, readValueApis, registeredVersions, servicesOf } from '../apiside/registration.ts';
import { kindOfImage } from '../apiside/servingpods.ts';
import { type Check, type CheckContext, readOr, tolerant } from '../check.ts';
import type { Finding } from '../finding.ts';
import { flagIn } from '../flagwords.ts';
import { findServer, type FoundServer, unknownServer } from '../nodes/installation.ts';
import { readOwnStatus } from '../nodes/serverswords.ts';
import { UncheckedError } from '../uncheckederror.ts';
import { explainRules, ruleCodes, type RuleFacts, rulesOfStatus } from './metricrules.ts';
import { checkValueRights, rightCodes } from './valuerights.ts';
import {
  apiCodes,
  explainValueApi,
  type HasSource,
  namesOf,
  notRegistered,
  type ValueApi,
  valueApis,
} from './valueapis.ts';

export const customMetricsCheck: Check = {
  name: 'custom-metrics',
  title: 'custom.metrics.k8s.io and external.metrics.k8s.io: APIServices, rights, sources and rules',
  codes: [...apiCodes, ...rightCodes, ...ruleCodes],
  run,
};

/** The sources that flags give. */
interface SourceFlags {
  readonly kubelet: boolean;
  readonly config: boolean;
  /** Whether metrics.k8s.io comes from the file, which then may have no other rules. */
  readonly usage: boolean;
}

async function* run(context: CheckContext): AsyncIterable<Finding> {
  const [first] = servicesOf(await registeredVersions(context.api));
  if (first === undefined) return;
  const { service: server = first, installation, exposed } = yield* readOr(unknownServer, () => findServer(context));
  const flags = sourceFlags(context, installation);
  const hasFlag = flags !== undefined && (flags.kubelet || flags.config);
  const rules = hasFlag ? rulesOfStatus(await readReport(context, installation)) : undefined;
  let isAnyRegistered = false;
  for (const api of valueApis) {
    const hasSource = sourceOf(api, flags, rules);
    const isExpected = hasFlag && (hasSource !== 'no' || (await isDiscovered(context, api)));
    const registered = yield* readValueApis(context, namesOf(api), isExpected);
    if (registered === undefined || registered.length > 0) isAnyRegistered = true;
    yield* explainValueApi({
      api,
      registered: registered ?? [],
      server,
      exposed,
      hasSource: registered === undefined ? 'unknown' : hasSource,
    });
    const isOurs = registered?.some(({ service }) => isSame(service, server)) === true;
    if (installation !== undefined && flags !== undefined && isOurs && hasSource !== 'no')
      yield* tolerant(() => checkValueRights(context, { api, installation, exposed, sources: flags }));
  }
  const [custom] = valueApis;
  if (
    !isAnyRegistered &&
    flags?.config === true &&
    !flags.kubelet &&
    !flags.usage &&
    rules === undefined &&
    custom !== undefined
  )
    yield notRegistered({ api: custom, exposed });
  if (rules !== undefined) yield* explainRules(rules);
  else if (hasFlag) yield rulesElsewhere(installation);
}

/** Reads the server's report: in its pod directly, elsewhere through kube-apiserver, if the user may; undefined without it. */
async function readReport(context: CheckContext, installation: FoundServer['installation']): Promise<unknown> {
  if (context.place === 'pod') return readOwnStatus(context, installation);
  try {
    return await context.api.get(statusResourcePath, { node: noNode });
  } catch (error) {
    if (error instanceof UncheckedError) return undefined;
    throw error;
  }
}

/** No node can have this name: the report is that of rules, without all nodes. */
const noNode = '-';

/** Reports whether the group is in discovery, which every account may read; kube-apiserver has it there as long as an APIService names it. */
async function isDiscovered({ api }: CheckContext, { group }: ValueApi): Promise<boolean> {
  try {
    return (await api.get(`/apis/${group}`)) !== undefined;
  } catch (error) {
    if (error instanceof UncheckedError) return true;
    throw error;
  }
}

/** Returns undefined for another server, or where its flags are not seen. */
function sourceFlags(
  { options, place }: CheckContext,
  installation: FoundServer['installation'],
): SourceFlags | undefined {
  if (installation === undefined) {
    if (place === 'outside') return undefined;
    return {
      kubelet: options['custom-metrics'] === 'kubelet',
      config: options.config !== undefined,
      usage: options['resource-metrics'] === 'prometheus',
    };
  }
  if (kindOfImage(installation.image) !== 'kubegauge') return undefined;
  const words = [...installation.command, ...installation.args];
  return {
    kubelet: flagIn(words, 'custom-metrics') === 'kubelet',
    config: (flagIn(words, 'config') ?? flagIn(words, 'c')) !== undefined,
    usage: flagIn(words, 'resource-metrics') === 'prometheus',
  };
}

/** A file of rules may have rules of one group only. */
function sourceOf(
  { group }: ValueApi,
  flags: SourceFlags | undefined,
  rules: readonly RuleFacts[] | undefined,
): HasSource {
  if (flags === undefined) return 'unknown';
  if (group === customGroup && flags.kubelet) return 'yes';
  if (!flags.config) return 'no';
  if (rules === undefined) return 'unknown';
  const list = group === customGroup ? 'rules[' : 'externalRules[';
  return rules.some(({ rule }) => rule.startsWith(list)) ? 'yes' : 'no';
}

function rulesElsewhere(installation: FoundServer['installation']): Finding {
  const { namespace = 'kube-system', deployment = 'metrics-server' } = installation ?? {};
  return {
    code: 'metric-rules',
    severity: 'note',
    object: 'Sources of custom and external metrics',
    problem:
      "rules, with their last success and error, are in the server's /status, which doctor reads in the pod; elsewhere it needs two rights, see docs/security.md#who-may-read-the-servers-own-report",
    remedy: `kubectl exec -n ${namespace} deploy/${deployment} -- /metrics-server doctor custom-metrics --cert-dir=/tmp`,
  };
}

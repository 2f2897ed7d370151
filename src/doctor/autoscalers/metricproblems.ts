/** Explains autoscalers whose metric cannot be computed. */
import { parseLabelSelector } from '../../apimachinery/labels.ts';
import { foreignText } from '../../foreigntext.ts';
import { hasEnded, mostTelling, type PodFacts } from '../pods/podfacts.ts';
import { firstUsageMsOf } from '../times.ts';
import type { Autoscaler } from './autoscaler.ts';
import { type AutoscalerFacts, builtInTargetOf, inNamespace, targetWord } from './autoscalerfacts.ts';
import type { AutoscalerProblem } from './autoscalerproblem.ts';
import { nearestOf } from './targetproblems.ts';

/** Explains `missing request for cpu in container x of Pod y`. */
export function explainMissingRequest(facts: AutoscalerFacts, message: string): AutoscalerProblem {
  const { autoscaler, pods } = facts;
  const [, resource = 'cpu'] = /missing (?:pod-level )?request for (\w+)/.exec(message) ?? [];
  // Old versions name no container.
  const [, namedContainer, namedPod] = /in container (\S+) of Pod (\S+)/.exec(message) ?? [];
  const pod = pods?.find(({ name }) => name === namedPod) ?? pods?.find((each) => lacking(each, resource).length > 0);
  const container = namedContainer ?? (pod === undefined ? undefined : lacking(pod, resource)[0]);
  if (pod !== undefined && isStranger(pod, autoscaler)) return explainStranger(facts, pod, resource, container);
  const which = container === undefined ? 'a container' : `container ${foreignText(container)}`;
  return {
    code: 'autoscaler-no-request',
    problem: `${which} of ${targetWord(autoscaler)} requests no ${resource}, of which the autoscaler needs a percentage; it needs a request of every container, also of sidecars`,
    remedy: requestOf(autoscaler, resource, container),
  };
}

/** kubectl sets resources of built-in kinds only. */
function requestOf(autoscaler: Autoscaler, resource: string, container: string | undefined): string {
  const word = targetWord(autoscaler);
  if (builtInTargetOf(autoscaler.target) === undefined) return inNamespace(autoscaler, 'get', word, '-o', 'yaml');
  const containers = container === undefined ? [] : [`--containers=${container}`];
  const request = `--requests=${resource}=${resource === 'memory' ? '128Mi' : '100m'}`;
  return inNamespace(autoscaler, 'set', 'resources', word, ...containers, request);
}

function lacking({ containers, podRequests }: PodFacts, resource: string): string[] {
  if (podRequests.has(resource)) return [];
  return containers.filter(({ requests }) => !requests.has(resource)).map(({ name }) => name);
}

/** Reports whether a pod belongs to another workload than the target, whose selector only matches it. */
function isStranger({ owner, name }: PodFacts, { target }: Autoscaler): boolean {
  if (builtInTargetOf(target) === undefined) return false;
  if (target.kind === 'Deployment') return owner?.kind !== 'ReplicaSet' || !isReplicaSetOf(owner.name, target.name);
  if (target.kind === 'StatefulSet') return owner?.kind !== 'StatefulSet' || owner.name !== target.name;
  return owner?.name !== target.name && !name.startsWith(`${target.name}-`);
}

/** A ReplicaSet's name is its Deployment's and a hash without dashes. */
function isReplicaSetOf(replicaSet: string, deployment: string): boolean {
  return replicaSet.slice(0, Math.max(0, replicaSet.lastIndexOf('-'))) === deployment;
}

function explainStranger(
  { autoscaler, selector }: AutoscalerFacts,
  pod: PodFacts,
  resource: string,
  container: string | undefined,
): AutoscalerProblem {
  const { owner, name } = pod;
  const of = owner === undefined ? 'no controller' : `${owner.kind} ${foreignText(owner.name)}`;
  return {
    code: 'autoscaler-stranger-pod',
    problem: `pod ${foreignText(name)} of ${of} is not of ${targetWord(autoscaler)}, but its labels match the target's selector, so the autoscaler counts it; its container ${foreignText(container ?? '')} requests no ${resource}`,
    remedy: partStranger(autoscaler, pod, selector),
  };
}

/** A label less ends the match, unless a controller would make the pod again. */
function partStranger(autoscaler: Autoscaler, { owner, name }: PodFacts, selector: string | undefined): string {
  const isMadeAgain = owner !== undefined && owner.kind !== 'Job';
  const key = selector === undefined ? undefined : firstKey(selector);
  if (!isMadeAgain && key !== undefined) return inNamespace(autoscaler, 'label', `pod/${name}`, `${key}-`);
  return inNamespace(autoscaler, 'get', `pod/${name}`, targetWord(autoscaler), '--show-labels');
}

function firstKey(selector: string): string | undefined {
  return parseLabelSelector(selector).requirements[0]?.key;
}

/** Explains a metric of a container that no pod has. From 1.32 on the message says only that there are no metrics. */
export function explainUnknownContainer({ autoscaler, pods = [] }: AutoscalerFacts): AutoscalerProblem | undefined {
  const names = [...new Set(pods.flatMap(({ containers }) => containers.map(({ name }) => name)))];
  const wrong = autoscaler.metrics.flatMap(({ container }) => container ?? []).find((name) => !names.includes(name));
  if (wrong === undefined || pods.length === 0) return undefined;
  const meant = nearestOf(wrong, names) ?? names[0];
  const at = autoscaler.metrics.findIndex(({ container }) => container === wrong);
  const operations = [{ op: 'replace', path: `/spec/metrics/${at}/containerResource/container`, value: meant }];
  return {
    code: 'autoscaler-unknown-container',
    problem: `its metric is of container ${foreignText(wrong)}, which pods of ${targetWord(autoscaler)} do not have; they have ${names.map((name) => foreignText(name)).join(', ') || 'none'}`,
    remedy:
      meant === undefined || at < 0
        ? inNamespace(autoscaler, 'edit', `hpa/${autoscaler.name}`)
        : inNamespace(autoscaler, 'patch', `hpa/${autoscaler.name}`, '--type=json', '-p', JSON.stringify(operations)),
  };
}

/** Explains a metric that no ready pod has: no pods, pods that do not run, or pods without usage. */
export function explainNoMetrics(facts: AutoscalerFacts): AutoscalerProblem | undefined {
  const { autoscaler, pods } = facts;
  if (pods === undefined) return undefined;
  const alive = pods.filter((pod) => !pod.isDeleting && !hasEnded(pod));
  const word = targetWord(autoscaler);
  if (alive.length === 0) {
    return {
      code: 'autoscaler-no-pods',
      problem: `no living pod matches the selector of ${word}; see why its controller makes none`,
      remedy: inNamespace(autoscaler, 'get', 'events', '--field-selector', 'reason=FailedCreate'),
    };
  }
  const running = alive.filter(({ phase }) => phase === 'Running');
  const [pending] = alive;
  if (running.length === 0 && pending !== undefined) {
    return {
      code: 'autoscaler-pods-pending',
      problem: `all ${alive.length} pods of ${word} are Pending${pending.unschedulable === undefined ? '' : `: ${foreignText(pending.unschedulable)}`}`,
      remedy: inNamespace(autoscaler, 'describe', `pod/${pending.name}`),
    };
  }
  return explainRunning(facts, running);
}

function explainRunning(
  { autoscaler, usage, servesPrometheus = false, nowMs }: AutoscalerFacts,
  running: readonly PodFacts[],
): AutoscalerProblem | undefined {
  const word = targetWord(autoscaler);
  const without = running.filter(({ name }) => usage?.has(name) === false);
  const broken = running.filter(({ containers }) => containers.some(({ state }) => state !== 'running'));
  const [first] = broken;
  if (first !== undefined && broken.length === running.length) {
    const container = mostTelling(first.containers.filter(({ state }) => state !== 'running'));
    return {
      code: 'autoscaler-pods-crash',
      problem: `in every pod of ${word} a container does not run: ${foreignText(container?.name ?? '')} of ${first.name}${container?.reason === undefined ? '' : ` (${foreignText(container.reason)})`}`,
      remedy: inNamespace(
        autoscaler,
        'logs',
        `pod/${first.name}`,
        `--container=${container?.name ?? ''}`,
        '--previous',
      ),
    };
  }
  if (without.length > 0) {
    const firstMs = firstUsageMsOf(servesPrometheus);
    const young = without.every(({ containers }) =>
      containers.some(({ startedMs }) => startedMs !== undefined && nowMs - startedMs < firstMs),
    );
    if (young) {
      return {
        code: 'autoscaler-pods-young',
        severity: 'note',
        problem: `pods of ${word} started less than ${firstMs / 1000} s ago; usage needs two samples`,
        remedy: undefined,
      };
    }
    return {
      code: 'autoscaler-no-usage',
      problem: `${without.length} of ${running.length} running pods of ${word} have no usage, such as ${without[0]?.name}; the check \`pods\` says why`,
      remedy: inNamespace(autoscaler, 'top', 'pod', without[0]?.name ?? ''),
    };
  }
  const unready = running.filter(({ isReady }) => !isReady);
  if (unready.length === running.length) {
    return {
      code: 'autoscaler-pods-unready',
      problem: `no pod of ${word} has become ready, and the autoscaler ignores the CPU of pods that never were`,
      remedy: inNamespace(autoscaler, 'describe', `pod/${unready[0]?.name ?? ''}`),
    };
  }
  return undefined;
}

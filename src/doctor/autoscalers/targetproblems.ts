/** Explains autoscalers that cannot read or scale their target. */
import { distance } from 'fastest-levenshtein';
import type { StatusCondition } from '../../client/conditions.ts';
import { foreignText } from '../../foreigntext.ts';
import { type Autoscaler, failureOf } from './autoscaler.ts';
import { type AutoscalerFacts, builtInTargetOf, haveSameTarget, inNamespace, targetWord } from './autoscalerfacts.ts';
import type { AutoscalerProblem } from './autoscalerproblem.ts';

/** Explains AbleToScale=False. */
export function explainTarget(facts: AutoscalerFacts, { message }: StatusCondition): AutoscalerProblem {
  const { autoscaler } = facts;
  const { target } = autoscaler;
  const builtIn = builtInTargetOf(target);
  if (/no matches for/.test(message)) {
    return {
      code: 'autoscaler-target-kind',
      problem: `no API has its target's kind ${foreignText(target.kind)} in ${foreignText(target.apiVersion || 'the core group')}`,
      remedy:
        builtIn === undefined
          ? inNamespace(autoscaler, 'api-resources')
          : patchTarget(autoscaler, { apiVersion: builtIn.apiVersion }),
    };
  }
  if (/not found/.test(message)) return explainMissingTarget(facts);
  if (/forbidden/i.test(message)) {
    return {
      code: 'autoscaler-target-forbidden',
      problem: `the autoscaler's controller may not read the scale of ${targetWord(autoscaler)}: grant get and update of its scale subresource to system:serviceaccount:kube-system:horizontal-pod-autoscaler`,
      remedy: undefined,
    };
  }
  return {
    code: 'autoscaler-target-unreadable',
    problem: `the scale of ${targetWord(autoscaler)} cannot be read or changed`,
    remedy: inNamespace(autoscaler, 'get', targetWord(autoscaler), '-o', 'yaml'),
  };
}

function explainMissingTarget({ autoscaler, targetNames }: AutoscalerFacts): AutoscalerProblem {
  const { target } = autoscaler;
  const nearest = targetNames === undefined ? undefined : nearestOf(target.name, targetNames);
  return {
    code: 'autoscaler-target-missing',
    problem: `its target ${targetWord(autoscaler)} does not exist${nearest === undefined ? '' : `; is ${foreignText(nearest)} meant?`}`,
    remedy:
      nearest === undefined
        ? inNamespace(autoscaler, 'delete', `hpa/${autoscaler.name}`)
        : patchTarget(autoscaler, { name: nearest }),
  };
}

/** Returns the most similar name, if it differs by fewer than half of the characters. */
export function nearestOf(name: string, candidates: readonly string[]): string | undefined {
  const [best] = candidates
    .map((candidate) => ({ candidate, steps: distance(name, candidate) }))
    .toSorted((a, b) => a.steps - b.steps);
  return best === undefined || best.steps * 2 >= name.length ? undefined : best.candidate;
}

function patchTarget(autoscaler: Autoscaler, fields: object): string {
  const patch = JSON.stringify({ spec: { scaleTargetRef: fields } });
  return inNamespace(autoscaler, 'patch', `hpa/${autoscaler.name}`, '--type=merge', '-p', patch);
}

/** Returns a function for the others of an autoscaler's target. It groups them by name first: comparing each two of thousands takes seconds. */
export function createRivalFinder(all: readonly Autoscaler[]): (autoscaler: Autoscaler) => readonly Autoscaler[] {
  const nameOf = ({ namespace, target: { kind, name } }: Autoscaler) => JSON.stringify([namespace, kind, name]);
  const byName = Map.groupBy(all, nameOf);
  return (autoscaler) =>
    rivalsOf(autoscaler, byName.get(nameOf(autoscaler)) ?? []).filter((other) => other !== autoscaler);
}

/** Returns the other autoscalers of the same target. */
function rivalsOf(autoscaler: Autoscaler, others: readonly Autoscaler[]): readonly Autoscaler[] {
  return others.filter((other) => haveSameTarget(autoscaler, other));
}

/** Reports whether the finding about several autoscalers of one target is that of an older one of them. */
export function isYoungerRival(autoscaler: Autoscaler, others: readonly Autoscaler[]): boolean {
  return rivalsOf(autoscaler, others).some((rival) => byAge(rival, autoscaler) < 0);
}

/** Explains several autoscalers of one target; kube-controller-manager stops them all since 1.26. */
export function explainRivals({ autoscaler, others, pods }: AutoscalerFacts): AutoscalerProblem | undefined {
  const rivals = rivalsOf(autoscaler, others);
  if (rivals.length > 0) {
    const all = [autoscaler, ...rivals].toSorted(byAge);
    const [oldest, ...younger] = all;
    return {
      code: 'autoscaler-rivals',
      problem: `${all.map(({ name }) => foreignText(name)).join(' and ')} scale the same ${targetWord(autoscaler)}; one autoscaler with all metrics has to do it`,
      remedy: inNamespace(autoscaler, 'delete', ...younger.map(({ name }) => `hpa/${name}`)),
      evidence: oldest === undefined ? undefined : `${foreignText(oldest.name)} is the oldest and stays`,
    };
  }
  if (failureOf(autoscaler)?.reason !== 'AmbiguousSelector') return undefined;
  return {
    code: 'autoscaler-selector-overlap',
    problem: `the selector of ${targetWord(autoscaler)} also matches pods of another autoscaler's target${strangersText(pods, autoscaler)}; selectors of Deployments cannot be changed: delete and create one of them with a label of its own`,
    remedy: inNamespace(autoscaler, 'get', 'hpa,deployments,statefulsets', '-o', 'wide'),
  };
}

function byAge(a: Autoscaler, b: Autoscaler): number {
  return (a.createdMs ?? 0) - (b.createdMs ?? 0) || (a.name < b.name ? -1 : 1);
}

function strangersText(pods: AutoscalerFacts['pods'], { target }: Autoscaler): string {
  const strangers = (pods ?? []).filter((pod) => pod.owner?.name.startsWith(`${target.name}-`) !== true);
  return strangers[0] === undefined ? '' : `, such as pod ${strangers[0].name}`;
}

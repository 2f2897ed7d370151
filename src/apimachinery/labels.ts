/** Labels, and the selectors over them that the labelSelector parameter carries. */
import { parseInt64 } from './integer.ts';
import { type LabelRequirement, parseRequirements } from './labelparser.ts';

export type Labels = ReadonlyMap<string, string>;

export interface LabelSelector {
  /** All of them must hold; sorted by key. */
  readonly requirements: readonly LabelRequirement[];
  matches(labels: Labels): boolean;
}

/** Parses a selector such as `app=web,tier notin (cache),!canary`; throws StatusError BadRequest in Kubernetes' words. */
export function parseLabelSelector(text: string): LabelSelector {
  const requirements = parseRequirements(text).sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
  const conditions = requirements.map(toCondition);
  return { requirements, matches: (labels) => conditions.every((holds) => holds(labels)) };
}

type Condition = (labels: Labels) => boolean;

/** Made once per request, asked once per object. */
function toCondition({ key, operator, values }: LabelRequirement): Condition {
  return conditionOf[operator](key, values);
}

type Values = readonly (string | undefined)[];

/** A label that is absent has the value undefined, which is none of the values that a selector can name. */
const conditionOf: Readonly<Record<LabelRequirement['operator'], (key: string, values: Values) => Condition>> = {
  Exists: (key) => (labels) => labels.has(key),
  DoesNotExist: (key) => (labels) => !labels.has(key),
  In: (key, values) => {
    const wanted = new Set(values);
    return (labels) => wanted.has(labels.get(key));
  },
  NotIn: (key, values) => {
    const unwanted = new Set(values);
    return (labels) => !unwanted.has(labels.get(key));
  },
  Gt: (key, [bound]) => compareWith(key, bound, (value, limit) => value > limit),
  Lt: (key, [bound]) => compareWith(key, bound, (value, limit) => value < limit),
};

/** A label that is absent or not a whole number is neither above nor below anything. */
function compareWith(key: string, bound = '', holds: (value: bigint, limit: bigint) => boolean): Condition {
  const limit = parseInt64(bound);
  return (labels) => {
    const value = parseInt64(labels.get(key) ?? '');
    return value !== undefined && limit !== undefined && holds(value, limit);
  };
}

/** Labels, and the parameter labelSelector. */
import { parseInt64 } from './integer.ts';
import { type LabelRequirement, parseRequirements } from './labelparser.ts';

export type Labels = ReadonlyMap<string, string>;

export interface LabelSelector {
  /** Sorted by key; labels must meet all. */
  readonly requirements: readonly LabelRequirement[];
  matches(labels: Labels): boolean;
}

/** Parses e.g. `app=web,tier notin (cache),!canary`. @throws StatusError BadRequest with Kubernetes' message. */
export function parseLabelSelector(text: string): LabelSelector {
  const requirements = parseRequirements(text).sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
  const conditions = requirements.map(toCondition);
  return { requirements, matches: (labels) => conditions.every((holds) => holds(labels)) };
}

type Condition = (labels: Labels) => boolean;

function toCondition({ key, operator, values }: LabelRequirement): Condition {
  return conditionOf[operator](key, values);
}

type Values = readonly (string | undefined)[];

/** An absent label is undefined, which no selector can name. */
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

/** Rejects labels that are absent or no integer. */
function compareWith(key: string, bound = '', holds: (value: bigint, limit: bigint) => boolean): Condition {
  const limit = parseInt64(bound);
  return (labels) => {
    const value = parseInt64(labels.get(key) ?? '');
    return value !== undefined && limit !== undefined && holds(value, limit);
  };
}

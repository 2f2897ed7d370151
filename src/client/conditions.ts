/** Reads the conditions in an object's status. */
import { field, items, text } from './json.ts';

/** Absent members are empty: Go omits empty ones. */
export interface StatusCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** RFC 3339. */
  readonly lastTransitionTime: string;
}

export function conditionsOf(object: unknown): readonly StatusCondition[] {
  return items(field(field(object, 'status'), 'conditions')).map((condition) => ({
    type: text(field(condition, 'type')) ?? '',
    status: text(field(condition, 'status')) ?? '',
    reason: text(field(condition, 'reason')) ?? '',
    message: text(field(condition, 'message')) ?? '',
    lastTransitionTime: text(field(condition, 'lastTransitionTime')) ?? '',
  }));
}

/** Returns the only condition of a type. */
export function conditionOf(object: unknown, type: string): StatusCondition | undefined {
  return conditionsOf(object).find((condition) => condition.type === type);
}

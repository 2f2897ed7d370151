/** Label matchers of a query. */
import type { LabelRequirement } from '../apimachinery/labelparser.ts';
import type { LabelSelector } from '../apimachinery/labels.ts';
import { quoteWhole } from '../apimachinery/quote.ts';
import { badRequest } from '../apimachinery/status.ts';

/**
 * How text of a request becomes part of a regular expression. `exact` escapes what is special; `as-adapter` pastes it,
 * and pastes keys that are no label names, as prometheus-adapter does: a dot in a pod's name then matches any character.
 */
export type QueryStyle = 'exact' | 'as-adapter';

/** The matchers of a query, in prometheus-adapter's order: the selector by key, the namespace, the objects. */
export class Matchers {
  readonly texts: string[] = [];
  /** Joined by `|` and not escaped: templates write them behind = as well as behind =~. */
  readonly values = new Map<string, string>();
  readonly #isExact: boolean;

  constructor(style: QueryStyle) {
    this.#isExact = style === 'exact';
  }

  addSelector({ requirements }: LabelSelector): void {
    for (const requirement of requirements) this.#addRequirement(requirement);
  }

  addNamespace(label: string, namespace: string): void {
    this.#add(label, '=', namespace, [namespace]);
  }

  /** Matches all objects, so that names need not be in the query. */
  addAnyName(label: string): void {
    this.#add(label, '=~', '.+', ['.+']);
  }

  addNames(label: string, names: readonly string[]): void {
    const [only = ''] = names;
    if (names.length > 1) this.#add(label, '=~', this.#alternatives(names), names);
    else this.#add(label, '=', only, names);
  }

  #addRequirement({ key, operator, values, isSet }: LabelRequirement): void {
    if (this.#isExact && !labelName.test(key)) {
      throw badRequest(`unable to select by ${quoteWhole(key)}: labels of metrics match [a-zA-Z_][a-zA-Z0-9_]*`);
    }
    if (operator === 'Gt' || operator === 'Lt') {
      throw badRequest(`unable to select by ${quoteWhole(key)}: metrics cannot be selected by > and <`);
    }
    if (operator === 'Exists' || operator === 'DoesNotExist') {
      this.#add(key, operator === 'Exists' ? '!=' : '=', '', values);
      return;
    }
    const isNegative = operator === 'NotIn';
    const [only = ''] = values;
    if (!isSet && values.length === 1) this.#add(key, isNegative ? '!=' : '=', only, values);
    else this.#add(key, isNegative ? '!~' : '=~', this.#alternatives(values), values);
  }

  #alternatives(values: readonly string[]): string {
    return values.map((value) => (this.#isExact ? escapeRegexp(value) : value)).join('|');
  }

  #add(label: string, operator: string, value: string, values: readonly string[]): void {
    this.texts.push(`${label}${operator}${quoteWhole(value)}`);
    this.values.set(label, values.join('|'));
  }
}

/** Prometheus' own rule; others than Prometheus 3 know no other names. */
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** As Go's QuoteMeta. */
function escapeRegexp(text: string): string {
  return text.replaceAll(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`);
}

/** Parses the parameters of a list, with Kubernetes' errors in their order. */
import { type FieldSelector, parseFieldSelector, requireKnownFields } from '../apimachinery/fields.ts';
import { parseInt64 } from '../apimachinery/integer.ts';
import { type LabelSelector, parseLabelSelector } from '../apimachinery/labels.ts';
import { quote } from '../apimachinery/quote.ts';
import { badRequest, type FieldError, invalid } from '../apimachinery/status.ts';
import { isTrue, isWatch } from './requestinfo.ts';

export interface ListOptions {
  readonly watch: boolean;
  readonly labelSelector: LabelSelector;
  readonly fieldSelector: FieldSelector;
}

type Parameters = ReadonlyMap<string, string>;

/**
 * Validates the options: a list is always whole.
 * @throws StatusError BadRequest for unparsable ones, Invalid for contradictions.
 */
export function parseListOptions(query: Parameters): ListOptions {
  const options = decodeListOptions(query);
  const { watch, fieldSelector } = options;
  const errors = watch ? watchErrors(query) : listErrors(query);
  if (errors.length > 0) throw invalid('meta.k8s.io', 'ListOptions', errors);
  requireKnownFields(fieldSelector);
  return options;
}

/**
 * Returns the label selector of a list that is part of a resource, as custom metrics are: there, parameters are parsed,
 * but not compared with each other.
 * @param name in the path, which is the only one that a field selector may name.
 * @throws StatusError BadRequest.
 */
export function parseSelectionOptions(query: Parameters, name: string): LabelSelector {
  const { labelSelector, fieldSelector } = decodeListOptions(query);
  requireKnownFields(fieldSelector);
  const { requirements } = fieldSelector;
  if (requirements.length > 0 && requiredName(fieldSelector) !== name) {
    throw badRequest("fieldSelector metadata.name doesn't match requested name");
  }
  return labelSelector;
}

function requiredName({ requirements }: FieldSelector): string | undefined {
  const found = requirements.find(({ key, operator }) => key === 'metadata.name' && operator === 'In');
  return found?.values[0];
}

function decodeListOptions(query: Parameters): ListOptions {
  parseInteger(query, 'timeoutSeconds');
  parseInteger(query, 'limit');
  const labelSelector = parseLabelSelector(query.get('labelSelector') ?? '');
  const fieldSelector = parseFieldSelector(query.get('fieldSelector') ?? '');
  return { watch: isWatch(query), labelSelector, fieldSelector };
}

/** @throws StatusError BadRequest for `export`, which Kubernetes has removed. */
export function checkGetOptions(query: Parameters): void {
  if (!isTrue(query.get('export'))) return;
  throw badRequest('the export parameter, deprecated since v1.14, is no longer supported');
}

/** Returns undefined for an absent parameter. @throws StatusError BadRequest for a text that is no integer, in Go's words. */
export function parseInteger(query: Parameters, parameter: string): bigint | undefined {
  const text = query.get(parameter);
  if (text === undefined) return undefined;
  const value = parseInt64(text);
  if (value !== undefined) return value;
  const problem = /^[-+]?[0-9]+$/.test(text) ? 'value out of range' : 'invalid syntax';
  throw badRequest(`strconv.ParseInt: parsing ${quote(text)}: ${problem}`);
}

function listErrors(query: Parameters): FieldError[] {
  const match = query.get(matchField) ?? '';
  const version = query.get('resourceVersion') ?? '';
  const errors: FieldError[] = [];
  if (match !== '') {
    if (version === '')
      errors.push(forbidden(matchField, `${matchField} is forbidden unless resourceVersion is provided`));
    if (continues(query)) errors.push(withContinue);
    if (match !== 'Exact' && match !== 'NotOlderThan') errors.push(notSupported(match, ['Exact', 'NotOlderThan', '']));
    if (match === 'Exact' && version === '0') {
      errors.push(forbidden(matchField, `${matchField} "exact" is forbidden for resourceVersion "0"`));
    }
  }
  if (query.has(eventsField)) errors.push(forbidden(eventsField, `${eventsField} is forbidden for list`));
  return errors;
}

/** Watches are not supported, but these errors have precedence. */
function watchErrors(query: Parameters): FieldError[] {
  const match = query.get(matchField) ?? '';
  const errors: FieldError[] = [];
  if (query.has(eventsField) && match !== 'NotOlderThan') {
    errors.push(forbidden(matchField, `${eventsField} requires setting ${matchField} to NotOlderThan`));
  }
  if (match === '') return errors;
  if (!query.has(eventsField)) {
    errors.push(forbidden(matchField, `${matchField} is forbidden for watch unless ${eventsField} is provided`));
  }
  if (match !== 'NotOlderThan') errors.push(notSupported(match, ['NotOlderThan']));
  if (continues(query)) errors.push(withContinue);
  return errors;
}

const matchField = 'resourceVersionMatch';
const eventsField = 'sendInitialEvents';

function continues(query: Parameters): boolean {
  return (query.get('continue') ?? '') !== '';
}

function forbidden(field: string, why: string): FieldError {
  return { field, reason: 'FieldValueForbidden', message: `Forbidden: ${why}` };
}

const withContinue = forbidden(matchField, `${matchField} is forbidden when continue is provided`);

function notSupported(value: string, supported: readonly string[]): FieldError {
  const values = supported.map(quote).join(', ');
  const message = `Unsupported value: ${quote(value)}: supported values: ${values}`;
  return { field: matchField, reason: 'FieldValueNotSupported', message };
}

/** Selectors of the series of a metric. */
import { type LabelSelector, parseLabelSelector } from '../apimachinery/labels.ts';
import { quote } from '../apimachinery/quote.ts';
import { badRequest } from '../apimachinery/status.ts';

/** @throws StatusError BadRequest for a selector that no source could apply, with the name of its parameter. */
export function parseMetricSelector(text: string, parameter: string): LabelSelector {
  const selector = parseLabelSelector(text);
  for (const { key, operator } of selector.requirements) {
    if (operator === 'Gt' || operator === 'Lt') {
      throw badRequest(`${parameter}: metrics cannot be selected by < and >: use =, !=, in, notin or exists`);
    }
    if (!labelName.test(key)) {
      throw badRequest(
        `${parameter}: ${quote(key)} is not the name of a metric's label: use letters, digits and underscores`,
      );
    }
  }
  return selector;
}

/** As in Prometheus' data model. */
const labelName = /^[A-Za-z_][A-Za-z0-9_]*$/;

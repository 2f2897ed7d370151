/** Recognises queries whose value for one object does not depend on which other objects are asked for. */

/** Functions of one series, or of the buckets of one group. */
const functions = (
  'rate irate increase delta idelta deriv changes resets abs ceil floor round clamp_min clamp_max ' +
  'avg_over_time min_over_time max_over_time sum_over_time count_over_time last_over_time quantile_over_time ' +
  'stddev_over_time present_over_time predict_linear timestamp sqrt exp ln log2 log10 sgn histogram_quantile'
).split(' ');
const aggregations: ReadonlySet<string> = new Set('sum avg min max count group stddev stdvar quantile'.split(' '));
/** Operators match equal label sets. vector() and time() have no labels, so a result of theirs is of no object. */
const words: ReadonlySet<string> = new Set([
  ...functions,
  ...aggregations,
  ...'by le offset or and unless bool vector time'.split(' '),
]);

const series = '<<.Series>>';
const matchers = '<<.LabelMatchers>>';
const groupBy = '<<.GroupBy>>';

/**
 * Reports whether one query may ask for the objects of several requests: all of its selectors have the matchers, and
 * each one is in an aggregation of its own by the object's label; a single one may be in none. Others are sent per
 * request.
 */
export function isBatchable(metricsQuery: string): boolean {
  const text = metricsQuery.replaceAll(/\s/g, ' ');
  if (countOf(text, '<<') !== countOf(text, series) + countOf(text, matchers) + countOf(text, groupBy)) return false;
  const { outside, selectors } = splitSelectors(text) ?? { outside: '', selectors: [] };
  const isMatched = selectors.every((inside) => countOf(inside, matchers) === 1);
  if (selectors.length === 0 || !isMatched || countOf(text, matchers) !== selectors.length) return false;
  const used = outside.replaceAll(groupBy, ' ').match(/[a-zA-Z_:][a-zA-Z0-9_:]*/g) ?? [];
  // Numbers such as 1e3 and durations behind offset have letters behind digits.
  const names = used.filter((word) => !/^[a-z]$|^ms$/.test(word));
  if (!names.every((word) => words.has(word))) return false;
  const aggregating = names.filter((word) => aggregations.has(word)).length;
  const dense = outside.replaceAll(' ', '');
  const grouping = [groupBy, `le,${groupBy}`, `${groupBy},le`].map((labels) => countOf(dense, `by(${labels})`));
  const grouped = grouping.reduce((sum, count) => sum + count, 0);
  if (grouped !== aggregating || grouped !== countOf(text, groupBy)) return false;
  return aggregating === selectors.length || (aggregating === 0 && selectors.length === 1);
}

interface Parts {
  /** The text without `[...]`, and with a space for each selector and the name before it. */
  readonly outside: string;
  /** What the braces have, without strings. */
  readonly selectors: readonly string[];
}

/** Returns undefined if a string is outside of selectors, or braces do not match. */
function splitSelectors(text: string): Parts | undefined {
  let outside = '';
  let inside = '';
  const selectors: string[] = [];
  let closing: string | undefined;
  let quote: string | undefined;
  for (const character of text) {
    if (quote !== undefined) {
      // An escape might hide the end of the string.
      if (character === '\\') return undefined;
      if (character === quote) quote = undefined;
    } else if (closing !== undefined) {
      if (character === '"' || character === "'" || character === '`') quote = character;
      else if (character !== closing) inside += character;
      else {
        if (closing === '}') {
          outside = `${withoutName(outside)} `;
          selectors.push(inside);
        }
        [closing, inside] = [undefined, ''];
      }
    } else if (character === '{') closing = '}';
    else if (character === '[') closing = ']';
    else if ('"\'`}]'.includes(character)) return undefined;
    else outside += character;
  }
  return closing === undefined && quote === undefined ? { outside, selectors } : undefined;
}

/** Removes the name of a metric, or its placeholder, at the end. */
function withoutName(text: string): string {
  let end = text.length;
  while (end > 0) {
    if (text.endsWith(series, end)) end -= series.length;
    else if (/[\w:]/.test(text[end - 1] ?? '')) end -= 1;
    else break;
  }
  return text.slice(0, end);
}

function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}

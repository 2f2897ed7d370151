/** Recognises queries whose value for one object does not depend on which other objects are asked for. */

/** Functions of one series, or of the buckets of one group. */
const functions = (
  'rate irate increase delta idelta deriv changes resets abs ceil floor round clamp_min clamp_max ' +
  'avg_over_time min_over_time max_over_time sum_over_time count_over_time last_over_time quantile_over_time ' +
  'stddev_over_time histogram_quantile'
).split(' ');
const aggregations: ReadonlySet<string> = new Set(['sum', 'avg', 'min', 'max', 'count']);
const words: ReadonlySet<string> = new Set([...functions, ...aggregations, 'by', 'le', 'offset']);

const series = '<<.Series>>';
const matchers = '<<.LabelMatchers>>';
const groupBy = '<<.GroupBy>>';

/**
 * Reports whether one query may ask for the objects of several requests: it has one selector with the matchers, and
 * either no aggregation or one by the object's label. Others are sent per request.
 */
export function isBatchable(metricsQuery: string): boolean {
  const text = metricsQuery.replaceAll(/\s/g, ' ');
  if (countOf(text, series) !== 1 || countOf(text, matchers) !== 1 || countOf(text, groupBy) > 1) return false;
  if (countOf(text, '<<') !== 2 + countOf(text, groupBy)) return false;
  const outside = withoutSelectors(text);
  if (outside === undefined) return false;
  const used =
    outside
      .replaceAll(series, ' ')
      .replaceAll(groupBy, ' ')
      .match(/[a-zA-Z_:][a-zA-Z0-9_:]*/g) ?? [];
  // Numbers such as 1e3 and durations behind offset have letters behind digits.
  const names = used.filter((word) => !/^[a-z]$|^ms$/.test(word));
  if (!names.every((word) => words.has(word))) return false;
  const aggregating = names.filter((word) => aggregations.has(word)).length;
  if (countOf(text, groupBy) === 0) return aggregating === 0;
  const dense = outside.replaceAll(' ', '');
  return (
    aggregating === 1 && [groupBy, `le,${groupBy}`, `${groupBy},le`].some((labels) => dense.includes(`by(${labels})`))
  );
}

/** Removes `{...}` and `[...]`. Undefined if a string is outside of them, or braces do not match. */
function withoutSelectors(text: string): string | undefined {
  let outside = '';
  let closing: string | undefined;
  let quote: string | undefined;
  for (const character of text) {
    if (quote !== undefined) {
      // An escape might hide the end of the string.
      if (character === '\\') return undefined;
      if (character === quote) quote = undefined;
    } else if (closing !== undefined) {
      if (character === '"' || character === "'" || character === '`') quote = character;
      else if (character === closing) closing = undefined;
    } else if (character === '{') closing = '}';
    else if (character === '[') closing = ']';
    else if ('"\'`}]'.includes(character)) return undefined;
    else outside += character;
  }
  return closing === undefined && quote === undefined ? outside : undefined;
}

function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}

/** Parses the `timeout` parameter. */
import { parseDuration } from '../apimachinery/duration.ts';
import { quote } from '../apimachinery/quote.ts';
import { badRequest } from '../apimachinery/status.ts';
import type { RequestInfo } from './requestinfo.ts';

/**
 * Returns the milliseconds for a request: `timeout`, at most the maximum. A watch has none.
 * @throws StatusError BadRequest for a bad duration, in Go's words.
 */
export function answerTimeoutMs({ query, resource }: RequestInfo, maximumMs: number): number {
  const text = query.get('timeout') ?? '';
  if (text === '' || resource?.verb === 'watch') return maximumMs;
  const ms = parseDuration(text);
  if (ms === undefined) throw badRequest(`invalid timeout specified in the request URL - time: ${problemOf(text)}`);
  return ms > 0 && ms < maximumMs ? ms : maximumMs;
}

/** In the words of Go's time.ParseDuration. */
function problemOf(text: string): string {
  const unit = /^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)([^0-9.]*)/.exec(withoutGoodTerms(text))?.[1];
  if (unit === '') return `missing unit in duration ${quote(text)}`;
  if (unit === undefined || units.test(unit)) return `invalid duration ${quote(text)}`;
  return `unknown unit ${quote(unit)} in duration ${quote(text)}`;
}

const units = /^(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h)$/;

function withoutGoodTerms(text: string): string {
  return text.replace(/^[-+]?(?:(?=\.?[0-9])[0-9]*(?:\.[0-9]*)?(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h)(?=[0-9.]))+/, '');
}

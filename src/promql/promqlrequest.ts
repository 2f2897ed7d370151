/** Writes requests to the HTTP API of PromQL engines. */
import type { PromqlEngine } from './engine.ts';

/** Bytes of a URL with its parameters. Longer ones are sent as POST: proxies refuse URLs of 4 to 8 KB. */
export const urlLimitBytes = 2_048;

export interface WrittenRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: string | undefined;
}

/**
 * Returns the request. Parameters of the engine's URL are kept; prometheus-adapter loses them with GET.
 * @param endpoint such as `query`.
 * @param mayPost whether a long URL becomes a POST.
 */
export function writeRequest(
  { url, verb }: PromqlEngine,
  endpoint: string,
  parameters: readonly (readonly [string, string])[],
  mayPost: boolean,
): WrittenRequest {
  // A server redirects from a path with empty parts, and redirects are not followed.
  const prefix = url.pathname.replaceAll(/\/{2,}/g, '/').replace(/\/$/, '');
  const path = `${prefix}/api/v1/${endpoint}`;
  const own = new URLSearchParams(parameters.map(([name, value]): [string, string] => [name, value])).toString();
  const kept = url.search.slice(1);
  const query = kept === '' ? own : `${kept}&${own}`;
  const isLong = path.length + 1 + query.length > urlLimitBytes;
  if (verb === 'GET' && !(isLong && mayPost)) return { method: 'GET', path: `${path}?${query}`, body: undefined };
  return { method: 'POST', path: kept === '' ? path : `${path}?${kept}`, body: own };
}

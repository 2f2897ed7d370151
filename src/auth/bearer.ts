/** The bearer token of a request, read from its Authorization header exactly as k8s.io/apiserver does. */
import { headerLines } from './rawheaders.ts';

/** Undefined when there is none; other schemes are nobody's credentials here. */
export function bearerToken(rawHeaders: readonly string[]): string | undefined {
  const [scheme = '', token = ''] = parts(rawHeaders);
  return scheme.toLowerCase() === 'bearer' && token !== '' ? token : undefined;
}

/** What to tell a client (Warning: 299) whose token is ignored for a space too many; undefined for everybody else. */
export function bearerWarning(rawHeaders: readonly string[]): string | undefined {
  const [scheme = '', token, ...rest] = parts(rawHeaders);
  if (scheme.toLowerCase() !== 'bearer' || token !== '' || rest.length === 0) return undefined;
  return 'the provided Authorization header contains extra space before the bearer token, and is ignored';
}

/** Splits at single spaces, into three parts at most: what comes behind them is ignored, however much it is. */
function parts(rawHeaders: readonly string[]): readonly string[] {
  const [header = ''] = headerLines(rawHeaders, 'authorization');
  return header.trim().split(' ', 3);
}

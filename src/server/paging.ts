/** Parses the parameters of a page: `limit` and `continue`. */
import type { PageRequest } from '../api/page.ts';
import { decodeContinue } from '../apimachinery/continuetoken.ts';
import { badRequest } from '../apimachinery/status.ts';
import { parseInteger } from './listoptions.ts';

/**
 * Returns undefined for the whole list, as for a limit of 0 or below.
 * @throws StatusError BadRequest for a limit that is no integer, or a token that is not ours.
 */
export function parsePage(query: ReadonlyMap<string, string>): PageRequest | undefined {
  const given = Number(parseInteger(query, 'limit') ?? 0n);
  const limit = given > 0 ? given : undefined;
  const token = query.get('continue') ?? '';
  if (token === '') return limit === undefined ? undefined : { limit, after: undefined };
  const after = decodeContinue(token);
  const version = query.get('resourceVersion') ?? '';
  if (version !== '' && version !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  return { limit, after };
}

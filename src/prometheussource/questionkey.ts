/** Keys of what clients ask for. */
import { hash } from 'node:crypto';

/** Returns a key that other parts do not have, of 43 characters: a client sends selectors of tens of kilobytes. */
export function questionKey(parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url');
}

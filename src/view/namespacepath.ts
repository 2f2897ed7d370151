/** The part of a path that chooses a namespace. */
import { isNamespaceName } from '../apimachinery/names.ts';
import { foreignText } from '../foreigntext.ts';
import { ViewError } from './viewerror.ts';

/**
 * Returns `/namespaces/<namespace>`; an empty text for all namespaces.
 * @throws ViewError for a name that no namespace can have: URLs resolve `..`, and the list would be that of all.
 */
export function namespacePath(namespace: string | undefined): string {
  if (namespace === undefined) return '';
  if (!isNamespaceName(namespace)) {
    throw new ViewError(`no namespace can be named ${foreignText(namespace, { limit: 64 })}`, undefined);
  }
  return `/namespaces/${namespace}`;
}

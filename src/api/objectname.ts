/** Names of objects, as paths of metrics have them. */

/**
 * Reports whether an object can have the name. Sources write names into queries, and a rule's template may do so
 * without quoting: another name could end the selector and read the series of other namespaces.
 */
export function isObjectName(name: string): boolean {
  return possibleName.test(name);
}

/** DNS names, which most objects have, and those of RBAC. Kubernetes allows 253 characters. */
const possibleName = /^[A-Za-z0-9][-A-Za-z0-9._:]{0,252}$/;

/** Names of objects. No character of one has a meaning in a path. */

/** Reports whether a namespace can have the name: a DNS label (RFC 1123). */
export function isNamespaceName(text: string): boolean {
  return /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(text);
}

/** Reports whether a pod or a node can have the name: a DNS subdomain (RFC 1123). */
export function isObjectName(text: string): boolean {
  return /^[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?$/.test(text) && !text.includes('..');
}

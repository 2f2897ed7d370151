/**
 * Applies a JSON patch as kube-apiserver does with evanphx/json-patch: a test of null passes where the member is absent,
 * strings are compared as Go's JSON, and a remove of an absent member fails.
 */

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** Returns a patched copy. @param patch the body of the request. @throws Error for what kube-apiserver answers 422. */
export function applyJsonPatch<T extends object>(object: T, patch: string): T {
  const copy = structuredClone(object);
  // Each raw value, as kube-apiserver compares bytes.
  const operations = JSON.parse(patch) as readonly Operation[];
  if (/[<>&\u2028\u2029]/.test(patch)) throw new Error('a test of this text would never pass: Go escapes it');
  for (const { op, path, value } of operations) {
    const names = path.split('/').slice(1);
    const key = (names.pop() ?? '').replaceAll('~1', '/').replaceAll('~0', '~');
    const parent = names.reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), copy);
    if (!isObject(parent)) throw new Error(`${op} operation does not apply: doc is missing path: ${path}`);
    if (op === 'test') {
      if (JSON.stringify(parent[key] ?? null) !== JSON.stringify(value)) {
        throw new Error(`testing value ${path} failed: test failed`);
      }
    } else if (op === 'add' && Array.isArray(parent))
      parent.splice(key === '-' ? parent.length : Number(key), 0, value);
    else if (op === 'add') parent[key] = value;
    else if (op === 'remove') {
      if (!Object.hasOwn(parent, key)) throw new Error(`Unable to remove nonexistent key: ${key}`);
      delete parent[key];
    } else if (op === 'replace') {
      if (!Object.hasOwn(parent, key)) throw new Error(`replace operation does not apply: doc is missing key: ${path}`);
      parent[key] = value;
    } else throw new Error(`Unexpected kind: ${op}`);
  }
  return copy;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The fields of an APIService that are patched. */
export interface PatchedApiService {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly insecureSkipTLSVerify?: boolean; readonly caBundle?: string };
}

/** Applies a JSON patch and validates the result as kube-apiserver does. Omits what is empty, as Go does. */
export function patchApiService<T extends PatchedApiService>(object: T, patch: string): T {
  const { metadata, spec, ...rest } = applyJsonPatch<PatchedApiService>(object, patch);
  if (spec.insecureSkipTLSVerify === true && (spec.caBundle ?? '') !== '') {
    throw new Error('spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present');
  }
  const { annotations = {}, ...names } = metadata;
  const { caBundle = '', ...others } = spec;
  return {
    ...rest,
    metadata: Object.keys(annotations).length === 0 ? names : { ...names, annotations },
    spec: caBundle === '' ? others : { ...others, caBundle },
  } as T;
}

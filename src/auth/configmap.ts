/**
 * The ConfigMap in which kube-apiserver tells servers like us whom to trust. Read at the door: what in it cannot be read changes nothing,
 * and what was good before stays, also when the ConfigMap is deleted.
 */
import { field, textMap } from '../client/json.ts';
import type { Logger } from '../logging.ts';
import { parseTrustBundle, type TrustBundle } from '../tls/trustbundle.ts';
import type { RequestHeaderSettings } from './requestheader.ts';

/** What an informer for it needs; its Role allows no more than this list and watch. */
export const authenticationConfigMap = {
  path: '/api/v1/namespaces/kube-system/configmaps',
  query: { fieldSelector: 'metadata.name=extension-apiserver-authentication' },
  parse: (object: unknown): ConfigMapData => textMap(field(object, 'data')),
} as const;

/** Its keys and texts. */
export type ConfigMapData = ReadonlyMap<string, string>;

/** What we need of that informer. */
export interface ConfigMapSource {
  synced(): boolean;
  values(): Iterable<ConfigMapData>;
  onChange(listener: (change: { readonly type: 'set' | 'delete'; readonly value: ConfigMapData }) => void): void;
}

export interface TrustedByConfigMap {
  clientCa(): TrustBundle | undefined;
  requestHeader(): RequestHeaderSettings | undefined;
}

/** @param changed is called after each change of the ConfigMap, also one that changes nothing for us. */
export function followConfigMap(source: ConfigMapSource, changed: () => void, log: Logger): TrustedByConfigMap {
  const clientCa = createBlock((data) => parseClientCa(data, log), log);
  const requestHeader = createBlock((data) => parseRequestHeader(data, log), log);
  for (const value of source.values()) read(value);
  source.onChange(({ type, value }) => {
    if (type === 'delete') {
      log.warn(where, 'the ConfigMap was deleted; keeps what it said');
      return;
    }
    read(value);
    changed();
  });
  return { clientCa: clientCa.value, requestHeader: requestHeader.value };

  function read(data: ConfigMapData): void {
    clientCa.read(data);
    requestHeader.read(data);
  }
}

const where = { namespace: 'kube-system', configMap: 'extension-apiserver-authentication' };

/** A part of the ConfigMap that is taken whole or not at all. */
interface Block<T> {
  value(): T | undefined;
  read(data: ConfigMapData): void;
}

/** @param parse tells undefined where the block is not there, which changes nothing either: kube-apiserver takes none back. */
function createBlock<T>(parse: (data: ConfigMapData) => T | undefined, log: Logger): Block<T> {
  let held: T | undefined;
  let heldText = '';
  let complaint = '';
  return { value: () => held, read };

  function read(data: ConfigMapData): void {
    try {
      const found = parse(data);
      complaint = '';
      if (found === undefined) return;
      // The same content stays the same object: others remember what they found out about it.
      const text = JSON.stringify(found);
      if (text !== heldText) held = found;
      heldText = text;
    } catch (error) {
      const message = 'keeps what the ConfigMap said before; what it says now is malformed';
      if (String(error) !== complaint) log.warn({ ...where, err: error }, message);
      complaint = String(error);
    }
  }
}

function parseClientCa(data: ConfigMapData, log: Logger): TrustBundle | undefined {
  return parseBundle(data, 'client-ca-file', log);
}

function parseRequestHeader(data: ConfigMapData, log: Logger): RequestHeaderSettings | undefined {
  const ca = parseBundle(data, 'requestheader-client-ca-file', log);
  if (ca === undefined) return undefined;
  return {
    ca,
    allowedNames: parseNames(data, 'requestheader-allowed-names'),
    headers: {
      username: parseNames(data, 'requestheader-username-headers'),
      uid: parseNames(data, 'requestheader-uid-headers'),
      group: parseNames(data, 'requestheader-group-headers'),
      extraPrefix: parseNames(data, 'requestheader-extra-headers-prefix'),
    },
  };
}

function parseBundle(data: ConfigMapData, key: string, log: Logger): TrustBundle | undefined {
  const pem = data.get(key) ?? '';
  return pem === '' ? undefined : parseTrustBundle(pem, `key ${key}`, log);
}

/** A JSON array of names in a text. An empty name is refused: as a prefix, it would make every header say something of the user. */
function parseNames(data: ConfigMapData, key: string): readonly string[] {
  const json = data.get(key) ?? '';
  if (json === '') return [];
  const names = parseJson(json, key);
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string' && name.trim() !== '')) {
    throw new Error(`key ${key} is not a JSON array of names, such as ["X-Remote-User"]`);
  }
  return names.map(String);
}

function parseJson(json: string, key: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new Error(`key ${key} is not JSON`, { cause });
  }
}

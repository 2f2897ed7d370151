/** Follows kube-apiserver's ConfigMap of CAs and headers; keeps the last known good content. */
import { field, textMap } from '../client/json.ts';
import type { Logger } from '../logging.ts';
import { parseTrustBundle, type TrustBundle } from '../tls/trustbundle.ts';
import type { RequestHeaderSettings } from './requestheader.ts';

/** The Role allows only this list and watch. */
export const authenticationConfigMap = {
  path: '/api/v1/namespaces/kube-system/configmaps',
  query: { fieldSelector: 'metadata.name=extension-apiserver-authentication' },
  parse: (object: unknown): ConfigMapData => textMap(field(object, 'data')),
} as const;

export type ConfigMapData = ReadonlyMap<string, string>;

export interface ConfigMapSource {
  synced(): boolean;
  values(): Iterable<ConfigMapData>;
  onChange(listener: (change: { readonly type: 'set' | 'delete'; readonly value: ConfigMapData }) => void): void;
}

export interface TrustedByConfigMap {
  clientCa(): TrustBundle | undefined;
  requestHeader(): RequestHeaderSettings | undefined;
}

/** @param changed called after each event. */
export function followConfigMap(source: ConfigMapSource, changed: () => void, log: Logger): TrustedByConfigMap {
  const clientCa = createSection((data) => parseClientCa(data, log), log);
  const requestHeader = createSection((data) => parseRequestHeader(data, log), log);
  for (const value of source.values()) read(value);
  source.onChange(({ type, value }) => {
    if (type === 'delete') {
      log.warn({ code: 'ClientCasNotUpdated', ...where }, 'the ConfigMap was deleted; its last content is used');
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

/** Applied whole or not at all. */
interface Section<T> {
  value(): T | undefined;
  read(data: ConfigMapData): void;
}

/** @param parse returns undefined for a missing section, which changes nothing: kube-apiserver never removes one. */
function createSection<T>(parse: (data: ConfigMapData) => T | undefined, log: Logger): Section<T> {
  let current: T | undefined;
  let currentText = '';
  let reported = '';
  return { value: () => current, read };

  function read(data: ConfigMapData): void {
    try {
      const found = parse(data);
      reported = '';
      if (found === undefined) return;
      // Equal content keeps its object, the key of caches.
      const text = JSON.stringify(found);
      if (text !== currentText) current = found;
      currentText = text;
    } catch (error) {
      const message = 'the ConfigMap is malformed; its last good content is used';
      if (String(error) !== reported) log.warn({ code: 'ClientCasNotUpdated', ...where, err: error }, message);
      reported = String(error);
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

/** Rejects an empty name: as a prefix it would match every header. */
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

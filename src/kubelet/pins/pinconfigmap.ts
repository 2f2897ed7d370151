/** The ConfigMap that holds the pins. */
import { field, text, textMap } from '../../client/json.ts';
import type { RestClient } from '../../client/rest.ts';
import { formatPins, parsePins, type Pins } from './pinlist.ts';

export const pinsConfigMapName = 'kubegauge-kubelet-pins';
/** The namespace of our manifests. */
export const defaultPinsNamespace = 'kube-system';
const key = 'pins';
/** A kubelet waits for it, within the timeout of its connection. */
const timeoutMs = 5_000;

/** One version of the ConfigMap. */
export interface PinConfigMap {
  /** As kube-apiserver sent it. */
  readonly object: unknown;
  readonly pins: Pins;
  /** Whether it has the key of the pins, which no write of ours removes. */
  readonly hasKey: boolean;
  /** Another one is another ConfigMap, despite its name. */
  readonly uid: string | undefined;
}

export type PinRest = Pick<RestClient, 'get' | 'replace'>;

/** @throws StatusError, errors of the connection, and Error for malformed pins. */
export async function readPinConfigMap(rest: PinRest, namespace: string): Promise<PinConfigMap> {
  return parse(await rest.get(pathOf(namespace), { timeoutMs }), namespace);
}

/** Writes the pins if nothing was written since that version. @throws StatusError 409 otherwise. */
export async function replacePins(
  rest: PinRest,
  namespace: string,
  { object }: PinConfigMap,
  pins: Pins,
): Promise<PinConfigMap> {
  const data = { ...Object.fromEntries(textMap(field(object, 'data'))), [key]: formatPins(pins) };
  return parse(await rest.replace(pathOf(namespace), { ...(object as object), data }, { timeoutMs }), namespace);
}

function pathOf(namespace: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps/${pinsConfigMapName}`;
}

function parse(object: unknown, namespace: string): PinConfigMap {
  try {
    const uid = text(field(field(object, 'metadata'), 'uid'));
    const lines = textMap(field(object, 'data')).get(key);
    return { object, uid, hasKey: lines !== undefined, pins: parsePins(lines ?? '') };
  } catch (cause) {
    throw new Error(`the key ${key} of ConfigMap ${namespace}/${pinsConfigMapName} is malformed`, { cause });
  }
}

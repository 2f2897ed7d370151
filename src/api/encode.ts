/** Objects as encodeJson and encodeYaml take them: the slow path of jsonpieces.ts. */
import { formatDuration } from '../apimachinery/duration.ts';
import { formatTime, type ObjectMeta, type TypeMeta } from '../apimachinery/meta.ts';
import type { Resource } from './resource.ts';
import { group, isList, type MetricsItem, type MetricsObject, type Version } from './types.ts';

/** Returns the whole object, equal to the forms in pieces. */
export function toJson<T extends MetricsItem>(
  resource: Resource<T>,
  object: MetricsObject<T>,
  version: Version,
): object {
  const typeMeta = typeMetaOf(resource, object, version);
  // In lists, objects have neither kind nor apiVersion.
  if (isList(object)) {
    return {
      ...typeMeta,
      metadata: object.metadata ?? {},
      items: [...object.slices].flat().map((item) => toItem(resource, item)),
    };
  }
  return { ...typeMeta, ...toItem(resource, object) };
}

export function typeMetaOf<T extends MetricsItem>(
  { kind, listKind }: Resource<T>,
  object: MetricsObject<T>,
  version: Version,
): TypeMeta {
  return { kind: isList(object) ? listKind : kind, apiVersion: `${group}/${version}` };
}

export function toObjectMeta(object: MetricsItem): ObjectMeta {
  return {
    name: object.name,
    namespace: object.namespace,
    creationTimestamp: formatTime(object.creationTimestampMs),
    labels: object.labels.size === 0 ? undefined : object.labels,
    annotations: object.annotations,
  };
}

/** Keeps the order of the wire. */
export function toItem<T extends MetricsItem>(resource: Resource<T>, object: T): object {
  return {
    metadata: toObjectMeta(object),
    timestamp: formatTime(object.timestampMs),
    window: formatDuration(object.windowMs),
    ...resource.members(object),
  };
}

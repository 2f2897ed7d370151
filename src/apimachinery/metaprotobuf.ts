/** Messages of meta.k8s.io in protobuf; field numbers are those of k8s.io/apimachinery's generated.proto. */
import type { Labels } from './labels.ts';
import { type ListMeta, type Status, type StatusDetails, wireSeconds } from './meta.ts';
import { encodeProtobuf, type ProtobufWriter } from './protobuf.ts';
import { writeLabels } from './selectorobject.ts';

/** ObjectMeta with its time as a number. */
export interface Metadata {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly creationTimestampMs?: number | undefined;
  readonly labels?: Labels | undefined;
  readonly annotations?: Labels | undefined;
}

export function encodeStatus(status: Status): Buffer {
  return encodeProtobuf(status.apiVersion, status.kind, (writer) => {
    writeListMeta(writer, 1);
    writer.string(2, status.status);
    writer.string(3, status.message);
    writer.string(4, status.reason);
    if (status.details !== undefined) writeDetails(writer, 5, status.details);
    writer.integer(6, status.code);
  });
}

/** Writes a ListMeta without selfLink and resourceVersion. */
export function writeListMeta(writer: ProtobufWriter, field: number, metadata: ListMeta = {}): void {
  writer.message(field, () => {
    for (const each of [1, 2]) writer.string(each, '');
    writer.string(3, metadata.continue ?? '');
    if (metadata.remainingItemCount !== undefined) writer.integer(4, metadata.remainingItemCount);
  });
}

export function writeObjectMeta(writer: ProtobufWriter, field: number, metadata: Metadata): void {
  writer.message(field, () => {
    writer.string(1, metadata.name);
    writer.string(2, '');
    writer.string(3, metadata.namespace ?? '');
    for (const each of [4, 5, 6]) writer.string(each, '');
    writer.integer(7, 0);
    writeTime(writer, 8, metadata.creationTimestampMs);
    const { labels, annotations } = metadata;
    if (labels !== undefined) writeLabels(writer, 11, labels);
    if (annotations !== undefined) writeLabels(writer, 12, annotations);
  });
}

/** @param ms since the epoch; as in JSON, rounded down to seconds. */
export function writeTime(writer: ProtobufWriter, field: number, ms: number | undefined): void {
  writer.message(field, () => {
    if (ms === undefined) return;
    writer.integer(1, wireSeconds(ms));
    writer.integer(2, 0);
  });
}

function writeDetails(writer: ProtobufWriter, field: number, details: StatusDetails): void {
  writer.message(field, () => {
    writer.string(1, details.name ?? '');
    writer.string(2, details.group ?? '');
    writer.string(3, details.kind ?? '');
    for (const { reason = '', message = '', field: path = '' } of details.causes ?? []) {
      writer.message(4, () => {
        writer.string(1, reason);
        writer.string(2, message);
        writer.string(3, path);
      });
    }
    writer.integer(5, details.retryAfterSeconds ?? 0);
    writer.string(6, '');
  });
}

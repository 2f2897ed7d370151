/** All that discovery, OpenAPI, encoders and server need of a resource. */
import type { FieldSelector } from '../apimachinery/fields.ts';
import type { JsonWriter } from '../apimachinery/jsonwriter.ts';
import type { LabelSelector } from '../apimachinery/labels.ts';
import type { ProtobufWriter } from '../apimachinery/protobuf.ts';
import type { HistoryRange } from '../history/history.ts';
import type { Caller } from '../metricsource/source.ts';
import type { TableCells } from './cells.ts';
import type { Schema } from './openapi/schema.ts';
import type { PageRequest } from './page.ts';
import type { LoopShare } from './slices.ts';
import type { MetricsItem, MetricsList, Version } from './types.ts';

/** A row of resources.ts. Encoders write metadata, timestamp and window; a resource adds the rest. */
export interface Resource<T extends MetricsItem = MetricsItem> {
  /** Plural, as in paths: `nodes`. */
  readonly name: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly versions: readonly Version[];
  readonly columns: readonly Column[];
  cells(object: T, style: TableCells): readonly string[];
  /** Slow path: returns the members behind `window`, in the order of Kubernetes' struct. */
  members(object: T): object;
  /** Fast path: writes the same members as compact JSON, one writer per list. Absent: slow path. */
  createMemberWriter?(writer: JsonWriter): MemberWriter<T>;
  /** Writes the fields behind `window`, from number 4 on. */
  writeFields(writer: ProtobufWriter, object: T): void;
  readonly schema: ResourceSchema;
}

export interface MemberWriter<T extends MetricsItem> {
  /** Writes from the quotation mark that ends `window` to the closing brace. */
  write(object: T): void;
}

export interface Column {
  readonly name: string;
  readonly format: string;
}

/** The resource's part of its OpenAPI schemas. */
export interface ResourceSchema {
  readonly description: string;
  readonly itemsDescription: string;
  readonly required: readonly string[];
  /** Returns those beside apiVersion, kind, metadata, timestamp and window. */
  properties(partOf: (kind: string) => Schema): Readonly<Record<string, Schema>>;
  readonly parts: Readonly<Record<string, Schema>>;
}

export interface ListSelection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: LabelSelector | undefined;
  readonly fieldSelector?: FieldSelector | undefined;
  /** Undefined for the whole list. */
  readonly page?: PageRequest | undefined;
  /** Lists points of the past, one item each; undefined lists present usages. */
  readonly history?: HistoryRange | undefined;
}

export interface ResourceReader<T extends MetricsItem = MetricsItem> {
  /** Returns objects with a usage. @throws StatusError BadRequest for a field that objects do not have, or a history that is not kept or too long. */
  list(selection?: ListSelection): MetricsList<T>;
  /**
   * @param namespace empty for cluster-scoped objects.
   * @throws StatusError NotFound; without usage, its text differs and its cause is the reason.
   */
  get(namespace: string, name: string): T;
}

/** What a reader that asks a source needs of a request. */
export interface ReaderRequest {
  readonly caller: Caller;
  /** Returns a signal that aborts at the request's deadline, and when its client has gone. */
  readonly signal: () => AbortSignal;
  /** The caller's share of the event loop; absent for anonymous callers. */
  readonly share?: LoopShare | undefined;
}

/**
 * What is served: a `ResourceReader`, which reads memory and returns at once, or one of `createAskingReader`, which asks
 * a source per request and returns promises.
 */
export interface ServedReader<T extends MetricsItem = MetricsItem> {
  /** As `ResourceReader.list`. @throws StatusError, also if the source does not answer. */
  list(selection: ListSelection | undefined, request: ReaderRequest): MetricsList<T> | Promise<MetricsList<T>>;
  /** As `ResourceReader.get`. @throws StatusError, also if the source does not answer. */
  get(namespace: string, name: string, request: ReaderRequest): T | Promise<T>;
}

export interface ServedResource<T extends MetricsItem = MetricsItem> {
  readonly resource: Resource<T>;
  readonly reader: ServedReader<T>;
}

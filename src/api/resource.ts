/** A resource of metrics.k8s.io: all that discovery, OpenAPI, the encoders and the server need to know of it. */
import type { FieldSelector } from '../apimachinery/fields.ts';
import type { JsonWriter } from '../apimachinery/jsonwriter.ts';
import type { LabelSelector } from '../apimachinery/labels.ts';
import type { ProtobufWriter } from '../apimachinery/protobuf.ts';
import type { TableCells } from './cells.ts';
import type { Schema } from './openapi/schema.ts';
import type { MetricsItem, MetricsList, Version } from './types.ts';

/** A row of the table in resources.ts. The encoders write metadata, timestamp and window; a resource adds what its objects have beside them. */
export interface Resource<T extends MetricsItem = MetricsItem> {
  /** The plural in lower case, as in paths: `nodes`. */
  readonly name: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  /** Names that kubectl takes instead of the plural. */
  readonly shortNames: readonly string[];
  readonly versions: readonly Version[];
  /** Columns of a Table between Name and Window. */
  readonly columns: readonly Column[];
  cells(object: T, style: TableCells): readonly string[];
  /** Slow path: returns the members behind `window` as encodeJson and encodeYaml take them, in the order of Kubernetes' struct. */
  members(object: T): object;
  /**
   * Fast path: returns a writer of the same members as compact JSON, one for each list. Absent: lists are written by the slow path.
   */
  createMemberWriter?(writer: JsonWriter): MemberWriter<T>;
  /** Writes the fields behind `window` as protobuf, from field number 4 on. */
  writeFields(writer: ProtobufWriter, object: T): void;
  readonly schema: ResourceSchema;
}

export interface MemberWriter<T extends MetricsItem> {
  /** Writes from the quotation mark that ends `window` to the brace that ends the object. */
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
  /** Names of required properties behind timestamp and window. */
  readonly required: readonly string[];
  /**
   * Returns the properties beside apiVersion, kind, metadata, timestamp and window.
   * @param partOf returns the reference to one of the parts.
   */
  properties(partOf: (kind: string) => Schema): Readonly<Record<string, Schema>>;
  /** Schemas of types that only this resource's objects contain, by kind. */
  readonly parts: Readonly<Record<string, Schema>>;
}

export interface ListSelection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: LabelSelector | undefined;
  readonly fieldSelector?: FieldSelector | undefined;
}

export interface ResourceReader<T extends MetricsItem = MetricsItem> {
  /**
   * Returns the objects that have a usage.
   * @throws StatusError BadRequest for a field that objects do not have.
   */
  list(selection?: ListSelection): MetricsList<T>;
  /**
   * @param namespace the empty string for objects of the cluster.
   * @throws StatusError NotFound; its text differs between an object that does not exist and one without usage, which has the reason as a cause.
   */
  get(namespace: string, name: string): T;
}

export interface ServedResource<T extends MetricsItem = MetricsItem> {
  readonly resource: Resource<T>;
  readonly reader: ResourceReader<T>;
}

/** The OpenAPI documents: equal on every replica of a release, so that hashes in links stay valid. */
import { createHash } from 'node:crypto';
import { encodeJson } from '../../apimachinery/meta.ts';
import { encodeOpenApi3, encodeSwagger } from './gnostic.ts';
import { kubernetesSchemas } from './kubernetes.ts';
import { type OpenApiGroup, type Operation, rootOperations } from './operations.ts';
import { type Info, referencePrefix, type Schema } from './schema.ts';
import { swagger } from './v2.ts';
import { openApi3 } from './v3.ts';

export interface OpenApiDocument {
  readonly json: Buffer;
  /** gnostic's messages; made at the first request, which is rare. */
  protobuf(): Buffer;
  /** Upper-case hexadecimal SHA-512 of the JSON; both encodings' ETag. */
  readonly hash: string;
}

export interface OpenApi {
  readonly v2: OpenApiDocument;
  /** By the path behind /openapi/v3/, such as apis/metrics.k8s.io/v1. */
  readonly v3: ReadonlyMap<string, OpenApiDocument>;
  readonly v3Index: Omit<OpenApiDocument, 'protobuf'>;
}

export function createOpenApi(info: Info, groups: readonly OpenApiGroup[]): OpenApi {
  const schemas: Schemas = Object.assign({}, kubernetesSchemas, ...groups.map((group) => group.schemas));
  const all = [...rootOperations, ...groups.flatMap(operationsOf)];
  // Not apis and version: kube-apiserver has documents of these names, and merges ours over them.
  const v3 = new Map(
    groups.flatMap(({ name, operations, versions }): [string, OpenApiDocument][] => [
      [`apis/${name}`, v3Document(info, operations, schemas)],
      ...versions.map((each): [string, OpenApiDocument] => [
        `apis/${name}/${each.version}`,
        v3Document(info, each.operations, schemas),
      ]),
    ]),
  );
  return { v2: v2Document(info, all, schemas), v3, v3Index: v3Index(v3) };
}

function operationsOf({ operations, versions }: OpenApiGroup): readonly Operation[] {
  return [...operations, ...versions.flatMap((each) => each.operations)];
}

type Schemas = Readonly<Record<string, Schema>>;

function v2Document(info: Info, operations: readonly Operation[], schemas: Schemas): OpenApiDocument {
  const document = swagger(info, byPath(operations), referredTo(operations, schemas));
  const json = Buffer.from(JSON.stringify(document));
  return { json, protobuf: once(() => encodeSwagger(document)), hash: hashOf(json) };
}

function v3Document(info: Info, operations: readonly Operation[], schemas: Schemas): OpenApiDocument {
  const document = openApi3(info, byPath(operations), referredTo(operations, schemas));
  const json = escapedJson(document);
  return { json, protobuf: once(() => encodeOpenApi3(document)), hash: hashOf(json) };
}

function v3Index(documents: ReadonlyMap<string, OpenApiDocument>): OpenApi['v3Index'] {
  const paths = [...documents].map(([path, { hash }]) => [
    path,
    { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` },
  ]);
  const json = escapedJson({ paths: Object.fromEntries(paths) });
  return { json, hash: hashOf(json) };
}

/** Kubernetes escapes <, > and & in v3, but not in v2, and ends neither with a newline. */
function escapedJson(value: object): Buffer {
  return encodeJson(value).subarray(0, -'\n'.length);
}

function once(make: () => Buffer): () => Buffer {
  let made: Buffer | undefined;
  return () => (made ??= make());
}

function hashOf(json: Buffer): string {
  return createHash('sha512').update(json).digest('hex').toUpperCase();
}

function byPath(operations: readonly Operation[]): readonly Operation[] {
  return operations.toSorted((left, right) => (left.path < right.path ? -1 : 1));
}

function referredTo(operations: readonly Operation[], schemas: Schemas): Schemas {
  const found = new Map<string, Schema>();
  const visit = (name: string): void => {
    const schema = schemas[name];
    if (schema === undefined) throw new Error(`there is no schema called ${name}`);
    if (found.has(name)) return;
    found.set(name, schema);
    for (const next of referencesIn(schema)) visit(next);
  };
  for (const { returns } of operations) visit(returns);
  return Object.fromEntries([...found].sort(([left], [right]) => (left < right ? -1 : 1)));
}

function referencesIn(schema: Schema): readonly string[] {
  const inner = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.allOf ?? []),
    ...[schema.items, schema.additionalProperties].filter((each) => each !== undefined),
  ].flatMap(referencesIn);
  return schema.$ref === undefined ? inner : [schema.$ref.slice(referencePrefix.length), ...inner];
}

/** OpenAPI documents as protobuf: the used parts of gnostic's OpenAPIv2.proto and OpenAPIv3.proto. */
import { each, type Encoder, entriesOf, flag, message, named, one, text, wrapped, wrappedFlag } from './message.ts';

export const encodeSwagger: Encoder = (document) => v2.document(document);
export const encodeOpenApi3: Encoder = (document) => v3.document(document);

// Names are those of the .proto files. Schemas contain schemas, so encoders are looked up at the call.

const v2 = (() => {
  const anySchema: Encoder = (value) => schema(value);
  const schema = message(
    {
      $ref: one(1),
      format: one(2),
      description: one(4),
      required: each(19),
      additionalProperties: one(21, wrapped(1, anySchema)),
      type: one(22, wrapped(1, text)),
      items: one(23, wrapped(1, anySchema)),
      properties: one(25, named(1, anySchema)),
    },
    31,
  );
  const common = { required: flag(1), in: one(2), description: one(3), name: one(4) };
  const queryParameter = message({ ...common, type: one(6), uniqueItems: flag(20) }, 23);
  const pathParameter = message({ ...common, type: one(5), uniqueItems: flag(19) }, 22);
  const nonBodyParameter: Encoder = (value) =>
    memberOf(value, 'in') === 'query' ? wrapped(3, queryParameter)(value) : wrapped(4, pathParameter)(value);
  const parameter = wrapped(2, nonBodyParameter);
  const response = message({ description: one(1), schema: one(2, wrapped(1, schema)) }, 5);
  const operation = message(
    {
      tags: each(1),
      description: one(3),
      operationId: one(5),
      produces: each(6),
      consumes: each(7),
      responses: one(9, named(1, wrapped(1, response))),
      schemes: each(10),
    },
    13,
  );
  const pathItem = message({ get: one(2, operation), parameters: each(9, orReference(parameter)) }, 10);
  const document = message(
    {
      swagger: one(1),
      info: one(2, message({ title: one(1), version: one(2) }, 7)),
      paths: one(8, named(2, pathItem)),
      definitions: one(9, named(1, schema)),
      parameters: one(10, named(1, parameter)),
    },
    16,
  );
  return { document };
})();

/** Encodes a choice by type; an object leaves the message empty. */
const defaultType: Encoder = (value) => {
  if (typeof value === 'boolean') return wrappedFlag(2)(value);
  return typeof value === 'string' ? wrapped(3, text)(value) : Buffer.alloc(0);
};

const v3 = (() => {
  const schemaOrReference: Encoder = (value) => orReference(schema)(value);
  const schema = message(
    {
      uniqueItems: flag(20),
      required: each(23),
      type: one(25),
      allOf: each(26, schemaOrReference),
      oneOf: each(27, schemaOrReference),
      items: one(30, wrapped(1, schemaOrReference)),
      properties: one(31, named(1, schemaOrReference)),
      additionalProperties: one(32, wrapped(1, schemaOrReference)),
      default: one(33, defaultType),
      description: one(34),
      format: one(35),
    },
    36,
  );
  const parameter = message(
    { name: one(1), in: one(2), description: one(3), required: flag(4), schema: one(10, schemaOrReference) },
    14,
  );
  const mediaType = message({ schema: one(1, schemaOrReference) }, 5);
  const response = message({ description: one(1), content: one(3, named(1, mediaType)) }, 5);
  const operation = message(
    { tags: each(1), description: one(3), operationId: one(5), responses: one(8, named(2, orReference(response))) },
    13,
  );
  const pathItem = message({ get: one(4, operation), parameters: each(13, orReference(parameter)) }, 14);
  const document = message(
    {
      openapi: one(1),
      info: one(2, message({ title: one(1), version: one(6) }, 7)),
      paths: one(4, named(1, pathItem)),
      components: one(5, message({ schemas: one(1, named(1, schemaOrReference)) }, 10)),
    },
    9,
  );
  return { document };
})();

/** Encodes a value as field 1, a reference as field 2. */
function orReference(encode: Encoder): Encoder {
  return (value) => {
    const name = memberOf(value, '$ref');
    return name === undefined ? wrapped(1, encode)(value) : wrapped(2, wrapped(1, text))(name);
  };
}

function memberOf(value: unknown, key: string): unknown {
  return new Map(entriesOf(value)).get(key);
}

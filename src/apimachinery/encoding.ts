/** Media types and encoders of Kubernetes' objects. */
import type { JsonWriter } from './jsonwriter.ts';
import { encodeJson, type JsonForm } from './meta.ts';
import { inOnePiece, type Pieces } from './pieces.ts';

/** In the order of Kubernetes' preference. */
export const mediaTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'] as const;

/** Media types of watches. None is served; Kubernetes names them for every list, in refusals and in OpenAPI. */
export const streamTypes = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];

export type MediaType = (typeof mediaTypes)[number];

/** Encoded only in the requested form; `json` returns what encodeJson and encodeYaml take. */
export interface Encodable {
  readonly json: () => object;
  readonly protobuf: () => Buffer;
}

/** As Encodable, for objects that may be too long to be made at once. */
export interface EncodableInPieces {
  /** @param writer reserved until the last piece is sent. */
  readonly json: (form: JsonForm, writer: JsonWriter) => Pieces;
  readonly protobuf: () => Pieces;
  /** For encodeYaml: long lists are not requested as YAML. */
  readonly whole: () => object;
}

export async function encodeAs(object: Encodable, mediaType: MediaType, form: JsonForm): Promise<Buffer> {
  switch (mediaType) {
    case 'application/json':
      return encodeJson(object.json(), form);
    case 'application/vnd.kubernetes.protobuf':
      return object.protobuf();
    case 'application/yaml':
      return yamlOf(object.json());
  }
}

export async function encodeInPieces(
  object: EncodableInPieces,
  mediaType: MediaType,
  form: JsonForm,
  writer: JsonWriter,
): Promise<Pieces> {
  switch (mediaType) {
    case 'application/json':
      return object.json(form, writer);
    case 'application/vnd.kubernetes.protobuf':
      return object.protobuf();
    case 'application/yaml':
      return inOnePiece(await yamlOf(object.whole()));
  }
}

/** Imports the YAML library at its first request, which is rare. */
async function yamlOf(object: object): Promise<Buffer> {
  const { encodeYaml } = await import('./yaml.ts');
  return encodeYaml(object);
}

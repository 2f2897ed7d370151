/** The media types that Kubernetes' objects are written in, and what an object has to offer to be written in each of them. */
import type { JsonWriter } from './jsonwriter.ts';
import { encodeJson, type JsonForm } from './meta.ts';
import { inOnePiece, type Pieces } from './pieces.ts';

/** In the order in which Kubernetes prefers and lists them. */
export const mediaTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'] as const;

export type MediaType = (typeof mediaTypes)[number];

/** Made in one form only, the one that was asked for. */
export interface Encodable {
  /** The object as encodeJson and encodeYaml take it. */
  readonly json: () => object;
  /** With its envelope. */
  readonly protobuf: () => Buffer;
}

/** As Encodable, for what may be too long to be made in one go. */
export interface EncodableInPieces {
  /** @param writer which is used for nothing else until the last piece is needed no more. */
  readonly json: (form: JsonForm, writer: JsonWriter) => Pieces;
  readonly protobuf: () => Pieces;
  /** The object as encodeYaml takes it: nobody reads long lists in YAML. */
  readonly whole: () => object;
}

/** @param form of JSON; the others have one form only. */
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

/** Hardly anybody asks for YAML; whoever does not should not pay for its library. */
async function yamlOf(object: object): Promise<Buffer> {
  const { encodeYaml } = await import('./yaml.ts');
  return encodeYaml(object);
}

/** The media types that Kubernetes' objects are written in, and what an object has to offer to be written in each of them. */
import { encodeJson, type JsonForm } from './meta.ts';

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

/** @param form of JSON; the others have one form only. */
export async function encodeAs(object: Encodable, mediaType: MediaType, form: JsonForm): Promise<Buffer> {
  switch (mediaType) {
    case 'application/json':
      return encodeJson(object.json(), form);
    case 'application/vnd.kubernetes.protobuf':
      return object.protobuf();
    case 'application/yaml': {
      // Hardly anybody asks for YAML; whoever does not should not pay for its library.
      const { encodeYaml } = await import('./yaml.ts');
      return encodeYaml(object.json());
    }
  }
}

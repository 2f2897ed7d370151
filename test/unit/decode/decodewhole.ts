/** Decodes one body in one piece, and shows the batch as points. */
import { toPoints } from '../../../src/sample/batch.ts';
import { cadvisor } from '../../../src/decode/cadvisor/cadvisor.ts';
import type { DecodeResult } from '../../../src/decode/bodydecoding.ts';
import { createDecoder, type Decoder } from '../../../src/decode/decoder.ts';
import { resource } from '../../../src/decode/resource/resource.ts';
import { answerTime } from '../../../src/decode/sampletime.ts';
import type { NodePoints } from '../../../src/sample/point.ts';

export type DecodedPoints =
  | Exclude<DecodeResult, { readonly kind: 'batch' }>
  | (Omit<Extract<DecodeResult, { readonly kind: 'batch' }>, 'batch'> & { readonly batch: NodePoints });

export interface Context {
  readonly node: string;
  readonly nodeTimeMs: number;
  /** The decoder of the previous responses. Default: a new one. */
  readonly decoder?: Decoder | undefined;
}

export const cadvisorDecoder = (node = 'node-1'): Decoder => createDecoder(cadvisor, node);
export const resourceDecoder = (node = 'node-1'): Decoder => createDecoder(resource, node);

export function decodeCadvisor(body: Uint8Array, contentType: string, context: Context): DecodedPoints {
  return decodeWith(context.decoder ?? cadvisorDecoder(context.node), body, contentType, context.nodeTimeMs);
}

export function decodeResource(body: Uint8Array, contentType: string, context: Context): DecodedPoints {
  return decodeWith(context.decoder ?? resourceDecoder(context.node), body, contentType, context.nodeTimeMs);
}

function decodeWith(decoder: Decoder, body: Uint8Array, contentType: string, nodeTimeMs: number): DecodedPoints {
  const decoding = decoder.begin(contentType);
  if (decoding === undefined)
    return { kind: 'unusable', reason: `unknown content type ${JSON.stringify(contentType)}` };
  decoding.write(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  const decoded = decoding.finish(answerTime(nodeTimeMs, nodeTimeMs));
  return decoded.kind === 'batch' ? { ...decoded, batch: toPoints(decoded.batch) } : decoded;
}

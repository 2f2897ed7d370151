/** Reads answers of PromQL engines while they arrive. */
import type { Readable } from 'node:stream';
import type { AnswerLimits } from './answerlimits.ts';
import { AnswerLimitError, ElementSplitter } from './elementsplitter.ts';
import type { KnownElements } from './knownelements.ts';
import { readingTurns } from './readingturns.ts';

/** Bytes of a chunk that are read at once; about a millisecond. */
const stepBytes = 16 * 1024;

export interface ElementReading {
  /** Keys that lead to the array. */
  readonly path: readonly string[];
  readonly limits: AnswerLimits;
  readonly onElement: (element: unknown) => void;
  /** Elements that are counted only. */
  readonly known?: KnownElements | undefined;
}

export interface ReadElements {
  /** The document with an empty array in place of the elements. */
  readonly envelope: unknown;
  readonly elements: number;
  /** Length of the whole document. */
  readonly bytes: number;
}

/**
 * Reads a JSON document in slices of the event loop.
 * @throws AnswerLimitError, errors of the body, of JSON and of onElement.
 */
export async function readElements(
  body: Readable,
  { path, limits, onElement, known }: ElementReading,
): Promise<ReadElements> {
  const splitter = new ElementSplitter(path, limits, (text) => onElement(parse(text)), known);
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limits.bytes) throw new AnswerLimitError(`the answer has more than ${limits.bytes} bytes`);
    for (let from = 0; from < chunk.length; from += stepBytes) {
      await readingTurns.run(() => splitter.write(chunk.subarray(from, from + stepBytes)));
    }
  }
  return { envelope: parse(splitter.end()), elements: splitter.elements, bytes };
}

/** The parser's own message quotes the text. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(text.trim() === '' ? 'the answer is empty' : 'the answer is not JSON');
  }
}

/** Bytes; an error has a sentence, a proxy's page more. */
const errorBodyBytes = 16 * 1024;

/** Returns the beginning of an error's body, and gives up the rest with its connection. */
export async function readErrorBody(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= errorBodyBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, errorBodyBytes);
}

/** Reads whole bodies by the slow path, for tests of samples. */
import { DelimitedReader } from '../../../src/exposition/protobufreader.ts';
import { type Sample, type SampleSink, type BodySummary, noRow } from '../../../src/exposition/sample.ts';
import { TextReader } from '../../../src/exposition/textreader.ts';

export type Read = (bytes: Uint8Array, names: readonly string[], visit: (sample: Sample) => void) => BodySummary;

export const readText: Read = (bytes, names, visit) => readWith(new TextReader(names, showing(visit)), bytes);

export const readDelimited: Read = (bytes, names, visit) => readWith(new DelimitedReader(names, showing(visit)), bytes);

function readWith(reader: Pick<TextReader, 'write' | 'end'>, bytes: Uint8Array): BodySummary {
  reader.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return reader.end();
}

export function showing(visit: (sample: Sample) => void): SampleSink {
  return {
    visit(sample) {
      visit(sample);
      return noRow;
    },
    add() {
      throw new Error('no sample has a row');
    },
    needsValue: () => true,
  };
}

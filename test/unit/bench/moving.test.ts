import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { filteredFamilies, fullFamilies } from '../../bench/body.ts';
import { movingDelimited, movingText } from '../../bench/moving.ts';
import { nodeModel } from '../../bench/nodemodel.ts';
import { delimitedContentType, encodeDelimited, encodeText, textContentType } from '../../fakes/exposition.ts';
import { decodeCadvisor } from '../scrape/decodewhole.ts';

const nowMs = Date.parse('2026-11-22T20:00:00Z');
const elapsedMs = 16_384;

describe('the answers of the benchmark fleet', () => {
  const model = nodeModel('node-a', 3, nowMs);
  const delimited = encodeDelimited(fullFamilies(model, nowMs));
  const texts = encodeText(filteredFamilies(model, nowMs));
  check('delimited protobuf', movingDelimited(delimited), delimitedContentType);
  check('text', movingText(texts), textContentType);

  function check(form: string, move: (ms: number) => Buffer, contentType: string) {
    test(`${form}: all containers are there, and each has a later time and more CPU time, by as much as was asked for`, () => {
      const before = pointsOf(Buffer.from(move(0)), contentType);
      const after = pointsOf(Buffer.from(move(elapsedMs)), contentType);
      assert.equal(before.length, 6);
      for (const [index, point] of before.entries()) {
        const later = after[index];
        assert.equal(later?.timestampMs, point.timestampMs + elapsedMs);
        assert.equal(later?.cpuSeconds.toFixed(6), (point.cpuSeconds + 2).toFixed(6));
        assert.notEqual(later?.memoryBytes, point.memoryBytes);
      }
    });
  }
});

function pointsOf(body: Buffer, contentType: string) {
  const decoded = decodeCadvisor(body, contentType, { node: 'node-a', nodeTimeMs: nowMs + elapsedMs });
  assert.equal(decoded.kind, 'batch');
  return decoded.batch.pods.flatMap(({ containers }) => containers);
}

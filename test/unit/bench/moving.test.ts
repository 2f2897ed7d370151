import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { requestedFamilies } from '../../../src/decode/cadvisor/families.ts';
import { filteredFamilies, fullFamilies } from '../../bench/body.ts';
import { type Moving, movingDelimited, movingText } from '../../bench/moving.ts';
import { nodeModel, tagOf } from '../../bench/nodemodel.ts';
import { delimitedContentType, encodeDelimited, encodeText, textContentType } from '../../fakes/exposition.ts';
import { decodeCadvisor } from '../decode/decodewhole.ts';

const nowMs = Date.parse('2026-11-22T20:00:00Z');
const elapsedMs = 16_384;

describe('the answers of the benchmark fleet', () => {
  const model = nodeModel('node-a', 3, nowMs);
  const delimited = encodeDelimited(fullFamilies(model, nowMs));
  const texts = encodeText(filteredFamilies(model, nowMs, requestedFamilies({ hasSwap: true, hasSettled: false })));
  check('delimited protobuf', movingDelimited(delimited, tagOf('node-a')), delimitedContentType);
  check('text', movingText(texts, tagOf('node-a')), textContentType);

  function check(form: string, move: Moving, contentType: string) {
    test(`${form}: all containers are there, and each has a later time and more CPU time, by as much as was asked for`, () => {
      const before = pointsOf(Buffer.from(move(0, tagOf('node-a'))), contentType);
      const after = pointsOf(Buffer.from(move(elapsedMs, tagOf('node-a'))), contentType);
      assert.equal(before.length, 6);
      for (const [index, point] of before.entries()) {
        const later = after[index];
        assert.equal(later?.timestampMs, point.timestampMs + elapsedMs);
        assert.equal(later?.cpuSeconds.toFixed(6), (point.cpuSeconds + 2).toFixed(6));
        assert.notEqual(later?.memoryBytes, point.memoryBytes);
      }
    });

    test(`${form}: a node without swap stays one`, () => {
      const swap = pointsOf(Buffer.from(move(elapsedMs, tagOf('node-a'))), contentType).map((point) => point.swapBytes);
      assert.deepEqual(new Set(swap), new Set([0]));
    });

    test(`${form}: with the tag of another node it is what that one answers`, () => {
      const other = nodeModel('node-b', 3, nowMs);
      const decoded = podsOf(Buffer.from(move(0, tagOf('node-b'))), contentType);
      const found = decoded.map(({ name, uid, containers }) => [
        name,
        [uid, ...containers.map(({ containerId }) => containerId?.split('@')[0])],
      ]);
      const expected = other.pods.map(({ name, uid, containers }) => [name, [uid, ...containers.map(({ id }) => id)]]);
      assert.deepEqual(Object.fromEntries(found), Object.fromEntries(expected));
    });
  }
});

function pointsOf(body: Buffer, contentType: string) {
  return podsOf(body, contentType).flatMap(({ containers }) => containers);
}

function podsOf(body: Buffer, contentType: string) {
  const decoded = decodeCadvisor(body, contentType, { node: 'node-a', nodeTimeMs: nowMs + elapsedMs });
  assert.equal(decoded.kind, 'batch');
  return decoded.batch.pods;
}

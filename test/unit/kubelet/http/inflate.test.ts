/** Inflating in steps yields what inflating at once does, and rejects the same input. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { chooseInflater, InflatedTooLargeError, type MakeInflater } from '../../../../src/kubelet/http/inflate.ts';
import { bodyLimitBytes, pieceBytes } from '../../../../src/kubelet/http/responselimits.ts';

const chosen = chooseInflater();
assert.ok(chosen, 'this Node cannot inflate in steps: no compressed body is requested');
const byStep: MakeInflater = chosen;

/** Returns the inflated bytes, or the code of the error. */
function inflate(make: MakeInflater, input: Buffer, cuts: readonly number[]): Buffer | string {
  const taken: Buffer[] = [];
  const inflater = make((chunk) => taken.push(Buffer.from(chunk)) > 0);
  try {
    let at = 0;
    for (const cut of [...cuts.map((share) => Math.floor(share * input.length)).sort((a, b) => a - b), input.length]) {
      inflater.write(input.subarray(at, cut));
      at = cut;
    }
    inflater.end();
    return Buffer.concat(taken);
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  } finally {
    inflater.close();
  }
}

/** Inflates by Node, in one step. */
function inflateAtOnce(input: Buffer): Buffer | string {
  try {
    return gunzipSync(input, { maxOutputLength: bodyLimitBytes });
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

/** Also such as inflate to several steps. */
const texts = fc
  .tuple(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 2_000 }))
  .map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes)));

const cutsOf = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 });

test('a body inflated in steps is whole, wherever it was cut', () => {
  fc.assert(
    fc.property(texts, cutsOf, (text, cuts) => {
      const out = inflate(byStep, gzipSync(text), cuts);
      assert.ok(Buffer.isBuffer(out) && out.equals(text));
    }),
    { seed: 1, numRuns: 100 },
  );
});

test('broken, cut or surplus input has the same result in steps and at once', () => {
  const harms = fc.oneof(
    fc.record({ kind: fc.constant('byte' as const), at: fc.nat(), to: fc.nat({ max: 255 }) }),
    fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
    fc.record({ kind: fc.constant('more' as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
    fc.record({ kind: fc.constant('member' as const) }),
  );
  fc.assert(
    fc.property(texts, harms, cutsOf, (text, harm, cuts) => {
      let input = gzipSync(text);
      if (harm.kind === 'byte') input[harm.at % input.length] = harm.to;
      else if (harm.kind === 'cut') input = input.subarray(0, harm.at % input.length);
      else input = Buffer.concat([input, harm.kind === 'more' ? harm.bytes : gzipSync('another')]);
      assert.deepEqual(inflate(byStep, input, cuts), inflateAtOnce(input));
    }),
    { seed: 1, numRuns: 400 },
  );
});

test('this Node inflates in steps: bytes arrive before the end', () => {
  let takenBytes = 0;
  const inflater = byStep((chunk) => (takenBytes += chunk.length) > 0);
  inflater.write(gzipSync(Buffer.alloc(1_000_000)).subarray(0, -50));
  inflater.close();
  assert.ok(takenBytes > 0);
});

test('a receiver that needs no more gets no more', () => {
  let takes = 0;
  const inflater = byStep(() => (takes += 1) < 3);
  inflater.write(gzipSync(Buffer.alloc(10_000_000)));
  inflater.end();
  inflater.close();
  assert.equal(takes, 3);
});

test('a body above the limit is not inflated', () => {
  let takenBytes = 0;
  const inflater = byStep((chunk) => (takenBytes += chunk.length) > 0);
  assert.throws(() => {
    inflater.write(bomb);
    inflater.end();
  }, InflatedTooLargeError);
  inflater.close();
  assert.ok(takenBytes <= bodyLimitBytes);
});

test('a body of exactly the limit is inflated', () => {
  let takenBytes = 0;
  const inflater = byStep((chunk) => (takenBytes += chunk.length) > 0);
  inflater.write(gzipSync(Buffer.alloc(bodyLimitBytes), { level: 1 }));
  inflater.end();
  inflater.close();
  assert.equal(takenBytes, bodyLimitBytes);
});

const bomb = gzipSync(Buffer.alloc(bodyLimitBytes + 1), { level: 1 });

test('a body that is inflated in time slices is whole, and its steps are smaller', () => {
  fc.assert(
    fc.property(texts, cutsOf, fc.array(fc.boolean(), { minLength: 1 }), (text, cuts, answers) => {
      let asked = 0;
      let largest = 0;
      const pace = {
        isLong: true,
        get isOver() {
          asked += 1;
          return answers[asked % answers.length] ?? false;
        },
      };
      const taken: Buffer[] = [];
      const inflater = byStep((chunk) => {
        largest = Math.max(largest, chunk.length);
        return taken.push(Buffer.from(chunk)) > 0;
      });
      const input = gzipSync(text);
      let at = 0;
      for (const cut of [
        ...cuts.map((share) => Math.floor(share * input.length)).sort((a, b) => a - b),
        input.length,
      ]) {
        let left: Buffer | undefined = input.subarray(at, cut);
        while (left !== undefined) left = inflater.write(Buffer.from(left), pace);
        at = cut;
      }
      inflater.end();
      inflater.close();
      assert.ok(Buffer.concat(taken).equals(text));
      assert.ok(largest <= pieceBytes);
    }),
    { seed: 1, numRuns: 100 },
  );
});

/** Readable texts are those of `kubectl top`. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { usageCells } from '../../../src/api/cells.ts';

const mebibyte = 1024 * 1024;

describe('readable cells', () => {
  const check = (cpuNanocores: number, memoryBytes: number, ...expected: readonly [string, string]) =>
    test(`${cpuNanocores} nanocores, ${memoryBytes} bytes: ${expected.join(' ')}`, () =>
      assert.deepEqual(usageCells({ cpuNanocores, memoryBytes }, 'readable'), expected));
  check(123_456_789, 12_640_256, '124m', '12Mi');
  check(0, 0, '0m', '0Mi');
  check(1, 1, '1m', '0Mi');
  check(1_000_000, mebibyte - 1, '1m', '0Mi');
  check(1_000_001, mebibyte, '2m', '1Mi');
  check(2_000_000_000, 64 * 1024 * mebibyte, '2000m', '65536Mi');

  test('differ from the usage by less than their smallest step', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(2 ** 31), (cpuNanocores, memoryBytes) => {
        const [cpu, memory] = usageCells({ cpuNanocores, memoryBytes }, 'readable');
        const tooMuch = amountOf(cpu, 'm') * 1e6 - cpuNanocores;
        const tooLittle = memoryBytes - amountOf(memory, 'Mi') * mebibyte;
        assert.ok(tooMuch >= 0 && tooMuch < 1e6, cpu);
        assert.ok(tooLittle >= 0 && tooLittle < mebibyte, memory);
      }),
    );
  });
});

test('exact cells are the exact quantities', () => {
  assert.deepEqual(usageCells({ cpuNanocores: 123_456_789, memoryBytes: 12_640_256 }, 'exact'), [
    '123456789n',
    '12344Ki',
  ]);
});

/** The number of a quantity with this suffix and no other. */
function amountOf(quantity: string, suffix: string): number {
  assert.ok(quantity.endsWith(suffix), quantity);
  return Number(quantity.slice(0, -suffix.length));
}

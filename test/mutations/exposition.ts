/** Mutations of the readers of both formats. */
import { type Mutation, mutate } from './mutation.ts';

/** Mutations that readers' callers notice come last, since they take longest. */
const tests = ['test/unit/exposition/*.test.ts', 'test/unit/decode/{decoder,fastpathequality}.test.ts'];

export const exposition: readonly Mutation[] = [
  ...mutate('exposition/protobufreader.ts', tests, [
    [
      'if (!this.hasEnough && (this.#carry.length > 0 || this.#state !== state.family)) {',
      'if (this.#carry.length > 0) {',
      'a family that is cut off is whole',
    ],
    [
      'if (!this.hasEnough && (this.#carry.length > 0 || ',
      'if (!this.hasEnough && (',
      'a message that is cut off is whole',
    ],
    ['this.#hasOtherFamilies = true;', '', 'a kubelet that does not filter is taken for one that does'],
    [
      'this.#missing?.size === 0 && this.#hasOtherFamilies &&',
      'this.#missing?.size === 0 &&',
      'a kubelet that filters is hung up on',
    ],
  ]),
  ...mutate('exposition/sampleposition.ts', tests, [
    ['stop - start < 0x80 ? 2 : 3', '2', 'long samples are recorded with another length'],
  ]),
  ...mutate('exposition/metric.ts', tests, [['* 0x20_0000 + sevenBits', '* 0x10_0000 + sevenBits', 'times are wrong']]),
  ...mutate('exposition/textreader.ts', tests, [
    [
      "throw new ExpositionError('the last line has no end, the body is cut off', this.#consumed);",
      '',
      'a line that is cut off is left out',
    ],
    ['if (this.#at !== this.#end) throw', 'if (false) throw', 'what follows value and time is ignored'],
    ['      escaped = true;\n', '', 'escapes stay in labels'],
    ['if (!isInt64(this.sample.timestampMs)) throw', 'if (false) throw', 'times that are none are read'],
    [
      'byte !== openBrace && byte !== space && byte !== tab && byte !== newline',
      'byte !== openBrace',
      'series without labels are left out',
    ],
  ]),
  ...mutate('exposition/number.ts', tests, [
    ['mantissa > Number.MAX_SAFE_INTEGER || ', '', 'long numbers are rounded twice'],
    ['signed && body[start] === minus ? -magnitude : magnitude', 'magnitude', 'negative numbers are positive'],
    ['down ? -shift : shift', 'shift', '1e-6 is a million'],
    ['if (at !== end) throw notANumber(start);', '', 'what follows digits is ignored'],
  ]),
];

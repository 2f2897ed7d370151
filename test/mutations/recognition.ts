/** Mutations of the fast path: series that are matched by position, and batches that are copied. Where it errs, it serves the numbers of another. */
import { type Mutation, mutate } from './mutation.ts';

/** Those that take longest come last: most mutations are noticed before. */
const scrapeTests = [
  'test/unit/decode/**/{fastpath,decoderpaths,decoder,identity}.test.ts',
  'test/unit/{decode,scrape}/**/*.test.ts',
];
const matcherTests = ['test/unit/exposition/{seriesmatcher,fastpath}.test.ts', ...scrapeTests];

export const recognition: readonly Mutation[] = [
  ...mutate('exposition/rowidentities.ts', matcherTests, [
    [
      'const last = at + length - wordBytes;\n  for (let next = at; next < last;',
      'const last = at + length - wordBytes;\n  for (let next = last; next < last;',
      'only the end of a path is compared',
    ],
    [
      '  return view.getFloat64(last, true) === words[word];',
      '  return true;',
      'the end of an identity is not compared',
    ],
    ['stored === length && isIdentity(', 'true || isIdentity(', 'a row with two identities matches by both'],
  ]),
  ...mutate('exposition/seriesmatcher.ts', matcherTests, [
    [
      'const valuelessIdentityBytes = 24;',
      'const valuelessIdentityBytes = 8;',
      'eight bytes of a path identify a cgroup',
    ],
    ['(view.getInt32(at, true) & threeBytes) !== entries[entry]', 'false', 'samples of any length match'],
    [
      'if (!isSameSample(extents, words, row, view, at, packed, detail)) break;',
      '',
      'samples match by their length alone',
    ],
    ['!== detail) return false;', '!== detail) return true;', "a core's CPU is the total"],
    ['if (entry > this.#at) this.#diverge();', '', 'samples that are gone in between are no change'],
    ['if (size > limit - at) return 0;', '', 'a sample that is not whole is read'],
    ['if (stop > limit || ', 'if (', 'numbers are read beyond the end'],
    ['this.#next?.push(entries[entry]!, size, packed, row);', '', 'samples are dropped after a change'],
    ['if (this.#at < this.#entries.length) this.#diverge();', '', 'samples that are gone at the end are no change'],
    ['this.changed = true;\n    this.#next ??=', 'this.#next ??=', 'a change is not reported'],
    ['this.complete = false;', '', 'the fast path is taken with samples that cannot match'],
    ['this.changed = true;\n    this.complete', 'this.complete', 'a sample that cannot match is no change'],
    ['if (row !== -1) next.push(', 'next.push(', 'samples of rows that are gone are kept'],
    [
      'entries[at + 2]!, row);',
      'entries[at + 2]!, entries[at + 3]!);',
      'after renumbering, numbers go to the previous rows',
    ],
    [
      'if (!isStored || detailBytes === notComparable',
      'if (detailBytes === notComparable',
      'one row by two identities is kept',
    ],
    ['!isStored || detailBytes === notComparable', '!isStored', 'a detail that cannot be compared is kept'],
    ['(isTimed ? 0 : isUntimed)', '0', 'samples without a time are read as with one'],
    ['if (this.#next !== undefined) return from;', '', 'after a change, samples match and are not recorded'],
    ['sample.value = 0;\n', '', 'a row that needs no value has one'],
  ]),
  ...mutate('exposition/protobufreader.ts', matcherTests, [
    ['else matcher?.addUnmatchable();', '', 'without the fast path, a body looks unchanged'],
  ]),
  ...mutate('decode/fastpath.ts', scrapeTests, [
    ['chosen.length !== rowCount || ', '', 'the fast path is taken though a row was not chosen'],
    ['|| !hasValue(point)) return undefined', ') return undefined', 'a doubt is kept for ever'],
    ['if (!Object.is(started, known)) return undefined;', '', 'a restart is not seen on the fast path'],
    [
      ' || isLacking !== (lackMemory[batchRow] === 1)',
      '',
      'a container without memory is not doubted on the fast path',
    ],
    [
      'if (!isUsableMachine(result[column.cpuSeconds]!, result[column.memoryBytes]!)) return undefined;',
      '',
      'a machine that uses nothing is served by the fast path',
    ],
    ['rows[batchRow] = row;', 'rows[batchRow] = batchRow;', 'numbers are copied from the rows of another order'],
  ]),
  ...mutate('decode/decoder.ts', scrapeTests, [
    [
      'matcher.changed || !collector.isPlain',
      '!collector.isPlain',
      'the fast path is taken though something has changed',
    ],
    ['matcher.changed || !collector.isPlain', 'matcher.changed', 'the fast path is taken with cores or several lines'],
    [
      'matcher.complete && collector.isPlain && !hasForgotten',
      'matcher.complete && collector.isPlain',
      'places are those from before renumbering',
    ],
    ['  matcher.renumber(seen);', '  void matcher;', 'series keep the numbers of rows that are gone'],
    [
      'before.last && { ...before.last, template: undefined }',
      'before.last',
      'what was too brief is taken for whole the next time',
    ],
    ['if (numbers[at]! > 0) return true;', '', 'swap in use proves nothing'],
    ['this.#calm = calm + 1;', 'this.#calm = settledAfter;', 'start times are left out at once'],
    ['    this.#state = undefined;\n', '', 'a broken answer leaves what it has half read'],
  ]),
];

/** Mutations of the fast path: series that are matched by position, and batches that are copied. Where it errs, it serves the numbers of another. */
import { type Mutation, mutate } from './mutation.ts';

/** Those that take longest come last: most mutations are noticed before. */
const scrapeTests = [
  'test/unit/decode/**/{fastpath,decoderpaths,decoder,identity}.test.ts',
  'test/unit/{decode,scrape}/**/*.test.ts',
];
const matcherTests = ['test/unit/exposition/{seriesmatcher,sampletable,fastpath}.test.ts', ...scrapeTests];

export const recognition: readonly Mutation[] = [
  ...mutate('exposition/rowidentities.ts', matcherTests, [
    ['let next = at | 0;', 'let next = last;', 'only the end of a path is compared'],
    [
      '  return view.getFloat64(last, true) === words[word];',
      '  return true;',
      'the end of an identity is not compared',
    ],
    ['word = (word + 4) | 0;', '', 'each block is compared with the first one'],
    ['!== words[(word + 3) | 0]', '=== 0', 'a fourth of the words is not compared'],
    ['stored === length && isIdentity(', 'true || isIdentity(', 'a row with two identities matches by both'],
  ]),
  ...mutate('exposition/seriesmatcher.ts', matcherTests, [
    [
      'const valuelessIdentityBytes = 24;',
      'const valuelessIdentityBytes = 8;',
      'eight bytes of a path identify a cgroup',
    ],
    ['(view.getInt32(at, true) & threeBytes) !== entries[entry]', 'false', 'samples of any length match'],
    ['if (!isIdentity(extents, words, row, view, identityAt)) break;', '', 'samples match by their length alone'],
    ['!== detail) break;', '!== detail) void 0;', "a core's CPU is the total"],
    ['if (entry > first) this.#diverge(first);', '', 'samples that are gone in between are no change'],
    ['this.#diverge(first)', 'this.#diverge()', 'samples that are gone in between are kept'],
    ['if (stop > limit || ', 'if (', 'numbers are read beyond the end'],
    [
      'this.#next?.push(entries[entry]!, size, entries[entry + 2]!, entries[entry + 3]!);',
      '',
      'samples are dropped after a change',
    ],
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
    ['if ((packed & needsNoValue) === 0) {', 'if (true) {', 'a row that needs no value has one'],
    ['times[place] === unseen', 'true', 'the last of two samples of one place counts, not the newest'],
    ['return stop;\n', '', 'numbers are written to a table that was replaced'],
  ]),
  ...mutate('exposition/protobufreader.ts', matcherTests, [
    ['else matcher?.addUnmatchable();', '', 'without the fast path, a body looks unchanged'],
    [
      'if (size <= available || size > this.#familyLeft) return;',
      'if (size === 0) return;',
      'a whole message is taken for a cut one',
    ],
  ]),
  ...mutate('decode/fastpath.ts', scrapeTests, [
    ['chosen.length !== rowCount || ', '', 'the fast path is taken though a row was not chosen'],
    ['|| !hasValue(point)) return undefined', ') return undefined', 'a doubt is kept for ever'],
    ['hasStart ? !isSameNumber(values[from + start]!, known) :', 'hasStart ? false :', 'a restart is not seen'],
    [
      ': !brief && !Number.isNaN(known)) return undefined;',
      ': false) return undefined;',
      'a missing start time is kept',
    ],
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

/** Samples of the previous body are matched by position; only new ones are visited. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DelimitedReader } from '../../../src/exposition/protobufreader.ts';
import type { Identity } from '../../../src/exposition/sampleposition.ts';
import { SeriesMatcher } from '../../../src/exposition/seriesmatcher.ts';
import { ExpositionError, type Sample, type SampleSink, noRow } from '../../../src/exposition/sample.ts';
import { encodeDelimited, type Family, type FamilySample } from '../../fakes/exposition.ts';

const names = ['a', 'b'];
const timestampMs = 1_795_377_600_000;
/** The tag of a family's metrics, field 4 of its message. */
const metricTag = 0x22;

/** The samples of one body: visited ones by their label, the others by their row. */
interface Read {
  readonly visited: readonly string[];
  readonly added: readonly string[];
  readonly changed: boolean;
  readonly complete: boolean;
}

/** Reads bodies one after the other. */
function createReading(
  identity: Identity = { label: 'id', detail: 'cpu' },
  wanted: SampleSink['needsValue'] = () => true,
) {
  const matcher = new SeriesMatcher(identity, names.length);
  const numbers = new Map<string, number>();
  return { matcher, read: (...families: readonly Family[]) => readBytes(encodeDelimited(families)), readBytes };

  function readBytes(...pieces: readonly Buffer[]): Read {
    const visited: string[] = [];
    const added: string[] = [];
    const sink: SampleSink = {
      visit(sample: Sample) {
        const id = sample.label('id');
        visited.push(`${names[sample.family]} ${id}`);
        if (id === 'odd') return noRow;
        const number = numbers.get(id) ?? numbers.size;
        numbers.set(id, number);
        return number;
      },
      add: (series, { family, value, timestampMs: time }) =>
        void added.push(`${names[family]} ${series} ${value} ${time - timestampMs}`),
      needsValue: wanted,
    };
    const reader = new DelimitedReader(names, sink, { matcher });
    for (const each of pieces) reader.write(each);
    reader.end();
    return { visited, added, changed: matcher.changed, complete: matcher.complete };
  }
}

const row = (id: string, value: number, more: Partial<FamilySample> = {}): FamilySample => ({
  labels: { container: 'app', id, pod: 'web-0' },
  value,
  timestampMs: timestampMs + value,
  ...more,
});
const family = (name: string, ...samples: readonly FamilySample[]): Family => ({
  name,
  help: '',
  type: 'gauge',
  samples,
});
const nothingNew = { visited: [], changed: false, complete: true };

describe('samples of the previous body', () => {
  test('match in each family, whatever their numbers are', () => {
    const { read } = createReading();
    assert.deepEqual(read(family('a', row('/one', 1), row('/two', 2)), family('b', row('/two', 3))), {
      visited: ['a /one', 'a /two', 'b /two'],
      added: [],
      changed: true,
      complete: true,
    });
    assert.deepEqual(read(family('a', row('/one', 4), row('/two', 5)), family('b', row('/two', 6))), {
      ...nothingNew,
      added: ['a 0 4 4', 'a 1 5 5', 'b 1 6 6'],
    });
  });

  test('match behind one that is new, and behind some that are gone', () => {
    const { read } = createReading();
    const ids = Array.from({ length: 12 }, (_, index) => `/${index}`);
    read(family('a', ...ids.map((id) => row(id, 0))));
    const now = [...ids.slice(0, 2), '/new', ...ids.slice(9)];
    const { visited, added, changed } = read(family('a', ...now.map((id) => row(id, 1))));
    assert.deepEqual([visited, added.length, changed], [['a /new'], 5, true]);
    const { added: all, ...rest } = read(family('a', ...now.map((id) => row(id, 2))));
    assert.deepEqual([rest, all.length], [nothingNew, 6]);
  });

  test('of a row that was dropped are no change if their family was absent', () => {
    const { read, matcher } = createReading();
    const both = [row('/one', 1), row('/two', 2)] as const;
    read(family('a', ...both), family('b', ...both));
    read(family('a', row('/two', 2)));
    matcher.renumber([1]);
    const { changed, added } = read(family('a', row('/two', 3)), family('b', row('/two', 4)));
    assert.deepEqual([changed, added], [false, ['a 0 3 3', 'b 0 4 4']]);
  });

  test('of one row with two identities make the body incomplete', () => {
    const matcher = new SeriesMatcher({ label: 'id', detail: 'cpu' }, names.length);
    const sink: SampleSink = { visit: () => 0, add: () => undefined, needsValue: () => true };
    const reader = new DelimitedReader(names, sink, { matcher });
    reader.write(encodeDelimited([family('a', row('/one', 1), row('/two', 2))]));
    reader.end();
    assert.equal(matcher.complete, false);
  });

  test('that are gone in between are a change once', () => {
    const { read } = createReading();
    read(family('a', row('/a', 1), row('/b', 2), row('/c', 3)));
    assert.equal(read(family('a', row('/a', 1), row('/c', 3))).changed, true);
    assert.equal(read(family('a', row('/a', 1), row('/c', 3))).changed, false);
  });

  test('are recorded behind one that is new', () => {
    const { read } = createReading();
    read(family('a', row('/b', 1), row('/c', 2)));
    const now = family('a', row('/a', 3), row('/b', 4), row('/c', 5));
    assert.deepEqual(read(now).visited, ['a /a']);
    assert.deepEqual(read(now).visited, []);
  });

  test('are refused wherever the body is cut if one is longer than its family', () => {
    const body = encodeDelimited([family('a', row('/one', 1), row('/two', 2)), family('b', row('/one', 3))]);
    const harmed = Buffer.from(body);
    // The last metric reaches beyond the family, and there are bytes behind both.
    harmed[0]! -= 3;
    for (let first = 0; first <= harmed.length; first += 1) {
      for (let second = first; second <= harmed.length; second += 1) {
        const { readBytes } = createReading();
        readBytes(body);
        const pieces = [harmed.subarray(0, first), harmed.subarray(first, second), harmed.subarray(second)];
        assert.throws(() => readBytes(...pieces), ExpositionError, `cut at ${first} and ${second}`);
      }
    }
  });

  test('are not read beyond the end of a chunk, though the memory behind it has the rest', () => {
    const before = family('a', row('/one', 1), row('/two', 2));
    for (const now of [before, family('a', row('/new', 0), row('/one', 1), row('/two', 2))]) {
      const whole = createReading();
      whole.read(before);
      const expected = whole.read(now);
      const body = encodeDelimited([now]);
      for (let cut = 1; cut < body.length; cut += 1) {
        const reading = createReading();
        reading.read(before);
        assert.deepEqual(reading.readBytes(body.subarray(0, cut), body.subarray(cut)), expected, `cut at ${cut}`);
      }
    }
  });

  test('that are gone at the end are a change once', () => {
    const { read } = createReading();
    read(family('a', row('/one', 1), row('/two', 2)));
    assert.equal(read(family('a', row('/one', 1))).changed, true);
    assert.equal(read(family('a', row('/one', 1))).changed, false);
  });

  test('match without a time, and do not match with one', () => {
    const { read } = createReading();
    const untimed = { labels: row('/one', 1).labels, value: 1 };
    read(family('a', untimed));
    assert.deepEqual(read(family('a', untimed)), { ...nothingNew, added: ['a 0 1 NaN'] });
    assert.deepEqual(read(family('a', row('/one', 1))).visited, ['a /one']);
  });

  test('whose values are not needed are passed as 0', () => {
    const { read } = createReading(undefined, (series) => series === 1);
    read(family('a', row('/one', 1), row('/two', 2)));
    assert.deepEqual(read(family('a', row('/one', 3), row('/two', 4))).added, ['a 0 0 NaN', 'a 1 4 4']);
  });

  test('do not match others of the same length whose label has another length', () => {
    const { read } = createReading();
    const long = (start: string) => `${start}/0123456789abcdef`;
    read(family('a', row(long('x'), 1)));
    assert.equal(read(family('a', row(long('x'), 1))).visited.length, 0);
    const labels = { container: 'app', id: long('xy'), pod: 'web-' };
    assert.deepEqual(read(family('a', row('', 1, { labels }))).visited, [`a ${long('xy')}`]);
  });

  const id = `/kubepods.slice/kubepods-pod01234567_89ab_cdef_0123_456789abcdef.slice/cri-containerd-${'7'.repeat(64)}.scope`;
  test('do not match others of the same length that differ in any byte of the label', () => {
    for (let at = 0; at < id.length; at += 1) {
      const other = `${id.slice(0, at)}x${id.slice(at + 1)}`;
      const { read } = createReading();
      read(family('a', row(id, 1)), family('b', row(id, 1)));
      assert.deepEqual(read(family('a', row(id, 2)), family('b', row(id, 2))).visited, []);
      const { visited, added } = read(family('a', row(other, 3)), family('b', row(other, 3)));
      assert.deepEqual([visited, added], [[`a ${other}`, `b ${other}`], []], `byte ${at}`);
    }
  });

  test('whose values are not needed do not match others that differ in the end of the label', () => {
    const { read } = createReading(undefined, () => false);
    read(family('a', row(id, 1)));
    const end = -24;
    const other = `${id.slice(0, end)}x${id.slice(end + 1)}`;
    assert.deepEqual(read(family('a', row(other, 1))).visited, [`a ${other}`]);
  });

  describe('of a family with a detail', () => {
    const of = (cpu: string, where = id) => row('', 1, { labels: { container: 'app', cpu, id: where, pod: 'web-0' } });
    for (const other of ['cpu00', 'totax', 'xotal']) {
      test(`do not match if it is ${other} instead of total`, () => {
        const { read } = createReading();
        read(family('a', of('total')), family('b', row(id, 1)));
        assert.deepEqual(read(family('a', of('total')), family('b', row(id, 1))), {
          ...nothingNew,
          added: ['a 0 1 1', 'b 0 1 1'],
        });
        assert.deepEqual(read(family('a', of(other)), family('b', row(id, 1))).visited, [`a ${id}`]);
      });
    }

    test('match whatever the length of the label is', () => {
      for (let length = 1; length < 300; length += 1) {
        const where = `/${'x'.repeat(length)}`;
        const { read } = createReading();
        read(family('a', of('total', where)));
        assert.deepEqual(read(family('a', of('total', where))).visited, [], `${length}`);
        assert.deepEqual(read(family('a', of('cpu00', where))).visited, [`a ${where}`], `${length}`);
      }
    });

    test('are not recorded if it is longer than what is compared', () => {
      const { read } = createReading();
      const samples = family('a', of('a long name'));
      read(samples);
      const { visited, complete } = read(samples);
      assert.deepEqual([visited, complete], [[`a ${id}`], false]);
    });
  });

  test('do not match others of the same length, also of less than a word', () => {
    const { read } = createReading();
    read(family('a', row('/12345a', 1)));
    assert.deepEqual(read(family('a', row('/12345b', 1))).visited, ['a /12345b']);
    assert.deepEqual(read(family('a', row('/12345b', 1))).visited, []);
  });

  test('do not match others that differ in any label, if all labels are the identity', () => {
    const { read } = createReading('all labels');
    const of = (id: string, pod: string) => row('', 1, { labels: { id, pod } });
    read(family('a', of('/one', 'web-0')), family('b', of('/one', 'web-0')));
    assert.deepEqual(read(family('a', of('/one', 'web-0')), family('b', of('/one', 'web-0'))).visited, []);
    assert.deepEqual(read(family('a', of('/one', 'web-1'))).visited, ['a /one']);
  });
});

describe('samples that can never match:', () => {
  for (const [what, sample] of [
    ['those with a time of another century', row('/one', 1, { timestampMs: 1 })],
    ['those without an identity', { labels: { pod: 'web-0' }, value: 1, timestampMs }],
  ] as const) {
    test(what, () => {
      const { read } = createReading();
      for (let round = 0; round < 2; round += 1) {
        const { visited, changed, complete } = read(family('a', sample));
        assert.deepEqual([visited.length, changed, complete], [1, true, false]);
      }
    });
  }

  test('those with a length of more bytes than needed', () => {
    const { readBytes } = createReading();
    const [familyBytes = 0, ...rest] = encodeDelimited([family('a', row('/one', 1))]);
    const lengthAt = rest.indexOf(metricTag) + 1;
    const longer = [rest[lengthAt]! | 0x80, 0];
    const body = Buffer.from([familyBytes + 1, ...rest.toSpliced(lengthAt, 1, ...longer)]);
    for (let round = 0; round < 2; round += 1) assert.deepEqual(readBytes(body).visited, ['a /one']);
  });

  test('those without a row are no change', () => {
    const { read } = createReading();
    read(family('a', row('/one', 1)), family('b', row('odd', 1)));
    assert.deepEqual(read(family('a', row('/one', 1)), family('b', row('odd', 1))), {
      ...nothingNew,
      visited: ['b odd'],
      added: ['a 0 1 1'],
    });
  });
});

test('rows that are gone are dropped, and the others have new numbers', () => {
  const { matcher, read } = createReading();
  const families = (value: number, ...ids: readonly string[]) =>
    names.map((name) => family(name, ...ids.map((id) => row(id, value))));
  read(...families(1, '/one', '/', '/three'));
  read(...families(1, '/', '/three'));
  // By the order of their labels, '/' was the first that was met.
  matcher.renumber([0, 2]);
  assert.deepEqual(read(...families(2, '/', '/three')), {
    ...nothingNew,
    added: ['a 0 2 2', 'a 1 2 2', 'b 0 2 2', 'b 1 2 2'],
  });
  assert.deepEqual(read(...families(3, '/one', '/', '/three')).visited, ['a /one', 'b /one']);
});

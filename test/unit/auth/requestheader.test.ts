import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { userFromHeaders } from '../../../src/auth/requestheader.ts';

const names = {
  username: ['X-Remote-User'],
  uid: ['X-Remote-Uid'],
  group: ['X-Remote-Group'],
  extraPrefix: ['X-Remote-Extra-'],
};

/** UTF-8 as Node delivers it. */
const onTheWire = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

describe('a user in request headers', () => {
  test('has a name, a UID, groups and extra facts', () => {
    const lines = [
      ['X-Remote-User', 'alice'],
      ['X-Remote-Uid', 'u-1'],
      ['X-Remote-Group', 'dev'],
      ['Accept', '*/*'],
      ['X-Remote-Group', 'qa'],
      ['X-Remote-Extra-Acme.com%2fProject', 'p1'],
      ['X-Remote-Extra-Scopes', 'a'],
      ['X-Remote-Extra-Acme.com%2FProject', 'p2'],
    ];
    assert.deepEqual(userFromHeaders(lines.flat(), names), {
      name: 'alice',
      uid: 'u-1',
      groups: ['dev', 'qa'],
      extra: new Map([
        ['acme.com/project', ['p1', 'p2']],
        ['scopes', ['a']],
      ]),
    });
  });

  test('is undefined without a name', () => {
    assert.equal(userFromHeaders([], names), undefined);
    assert.equal(userFromHeaders(['X-Remote-Group', 'system:masters'], names), undefined);
    assert.equal(userFromHeaders(['X-Remote-User', ''], names), undefined);
  });

  const nameIn = (...headers: string[]) =>
    userFromHeaders(headers, { ...names, username: ['X-Remote-User', 'X-User'] })?.name;

  test('has the name of the first line', () => {
    assert.equal(nameIn('X-Remote-User', 'alice', 'X-Remote-User', 'mallory'), 'alice');
  });

  test('has the name of the first configured header that is not empty', () => {
    assert.equal(nameIn('X-User', 'bob', 'X-Remote-User', 'alice'), 'alice');
    assert.equal(nameIn('X-User', 'bob', 'X-Remote-User', ''), 'bob');
  });

  test('is read from header names in any letter case', () => {
    assert.equal(nameIn('x-remote-USER', 'alice'), 'alice');
  });

  test('is read as UTF-8', () => {
    assert.equal(nameIn('X-Remote-User', onTheWire('jos\u00e9')), 'jos\u00e9');
  });

  const groupsIn = (...lines: string[]) =>
    userFromHeaders(['X-Remote-User', 'u', ...lines.flatMap((line) => ['X-Remote-Group', line])], names)?.groups;

  test('is in one group per line, whatever the line contains', () => {
    assert.deepEqual(groupsIn('x, system:masters', 'a,b'), ['x, system:masters', 'a,b']);
  });

  test('is in no group without a name', () => {
    assert.deepEqual(groupsIn('', 'dev', ''), ['dev']);
  });

  const extraKeyOf = (header: string) => [
    ...(userFromHeaders(['X-Remote-User', 'u', header, 'v'], names)?.extra.keys() ?? []),
  ];

  test('has extra keys in lower case, then percent-decoded', () => {
    assert.deepEqual(extraKeyOf('X-Remote-Extra-ACME%2FX%50'), ['acme/xP']);
    assert.deepEqual(extraKeyOf('X-Remote-Extra-caf%C3%A9'), ['caf\u00e9']);
  });

  test('keeps malformed extra keys as they are', () => {
    assert.deepEqual(extraKeyOf('X-Remote-Extra-100%'), ['100%']);
    assert.deepEqual(extraKeyOf('X-Remote-Extra-%zz%2f'), ['%zz%2f']);
  });

  test('keeps extra keys that every object inherits', () => {
    assert.deepEqual(extraKeyOf('X-Remote-Extra-__proto__'), ['__proto__']);
  });

  test('has no UID without a configured header', () => {
    assert.equal(userFromHeaders(['X-Remote-User', 'u', 'X-Remote-Uid', 'U1'], { ...names, uid: [] })?.uid, '');
  });
});

describe('any headers', () => {
  const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });

  test('are read without an error, and give at most one group per line', () => {
    const name = fc.oneof(
      latin1,
      fc.constantFrom('X-Remote-User', 'x-remote-group', 'X-Remote-Extra-%', 'X-Remote-Extra-'),
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(name, latin1)), (headers) => {
        const user = userFromHeaders(['X-Remote-User', 'u', ...headers], names);
        assert.ok(user !== undefined && user.groups.length <= headers.length / 2);
      }),
    );
  });

  test('yield the user that a front proxy wrote into them', () => {
    // Values have no spaces at either end.
    const value = fc.string({ unit: 'grapheme', minLength: 1 }).map((each) => each.toWellFormed());
    const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }).map((each) => each.toWellFormed());
    const user = fc.record(
      {
        name: value,
        uid: fc.oneof(value, fc.constant('')),
        groups: fc.array(value),
        extra: fc.array(fc.tuple(key, fc.array(value, { minLength: 1 }))).map((pairs) => new Map(pairs)),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(user, ({ name, uid, groups, extra }) => {
        const lines = [
          ['X-Remote-User', onTheWire(name)],
          ...(uid === '' ? [] : [['x-remote-uid', onTheWire(uid)]]),
          ...groups.map((group) => ['X-REMOTE-GROUP', onTheWire(group)]),
          ...[...extra].flatMap(([each, values]) =>
            values.map((of) => [`X-Remote-Extra-${asHeaderName(each)}`, onTheWire(of)]),
          ),
        ];
        assert.deepEqual(userFromHeaders(lines.flat(), names), { name, uid, groups, extra });
      }),
    );
  });

  test('never split, join or change a group', () => {
    const group = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('a, system:masters', 'a,b', ' ', '"a"', ''),
    );
    fc.assert(
      fc.property(fc.array(group), (groups) => {
        assert.deepEqual(
          groupsOf(groups.map(onTheWire)),
          groups.map(wellFormed).filter((each) => each !== ''),
        );
      }),
    );
  });

  /** As client-go: percent-encodes what a header name cannot contain, and upper case. */
  const asHeaderName = (text: string) =>
    [...Buffer.from(text)]
      .map((byte) => {
        const character = String.fromCharCode(byte);
        return /[a-z0-9!#$&'*+.^_`|~-]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`;
      })
      .join('');
  const groupsOf = (lines: readonly string[]) =>
    userFromHeaders(['X-Remote-User', 'u', ...lines.flatMap((line) => ['x-remote-group', line])], names)?.groups;
  const wellFormed = (text: string) => text.toWellFormed();
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  bytesOf,
  changePins,
  formatPins,
  isPinnableUid,
  lostPins,
  parsePins,
  type Pin,
  pinKey,
  pinsLimitBytes,
} from '../../../../src/kubelet/pins/pinlist.ts';
import type { Proof } from '../../../../src/kubelet/pins/proof.ts';

const key = (text: string): Proof => `sha256:${createHash('sha256').update(text).digest('base64')}`;
const uid = '0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0';
const pin = (proof: Proof, of = uid): Pin => ({ uid: of, proof });
const mebibyte = 1024 * 1024;

test('pins are a line per node, sorted', () => {
  const pins = new Map([
    ['node-b', pin('ca')],
    ['node-a', pin(key('a'))],
  ]);
  const text = formatPins(pins);
  assert.equal(text, `node-a ${uid} ${key('a')}\nnode-b ${uid} ca\n`);
  assert.deepEqual(parsePins(text), new Map([...pins].toReversed()));
  assert.deepEqual(parsePins(''), new Map());
});

test('any pins can be read again, and their bytes are counted', () => {
  const name = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/);
  const proof = fc.oneof(fc.constant<Proof>('ca'), fc.string().map(key));
  fc.assert(
    fc.property(fc.dictionary(name, fc.tuple(fc.uuid(), proof)), (nodes) => {
      const pins = new Map(Object.entries(nodes).map(([node, [of, shown]]) => [pinKey(node), pin(shown, of)]));
      const text = formatPins(pins);
      assert.deepEqual(parsePins(text), new Map([...pins].sort(([a], [b]) => (a < b ? -1 : 1))));
      assert.equal(bytesOf(pins), Buffer.byteLength(text));
    }),
  );
});

test('a name that no line can hold makes no text that cannot be read, which would refuse all kubelets', () => {
  for (const node of ['Node_A', 'a b', 'a\nb', '', '~', '-a', 'a'.repeat(101)]) {
    const pins = new Map([[pinKey(node), pin('ca')]]);
    assert.deepEqual(parsePins(formatPins(pins)), pins);
  }
});

describe('a malformed line is an error, since leaving it out would pin its node anew:', () => {
  for (const [name, text] of [
    ['no key', `node-a ${uid}`],
    ['a cut key', `node-a ${uid} ${key('a').slice(0, -2)}`],
    ['another hash', `node-a ${uid} md5:abc`],
    ['more words', `node-a ${uid} ca ca`],
    ['a name that no node has', `Node_A ${uid} ca`],
    ['a UID with a slash', 'node-a a/b ca'],
    ['a second line of the node', `node-a ${uid} ca\nnode-a ${uid} ca`],
  ] as const) {
    test(name, () => assert.throws(() => parsePins(text), /^Error: line [12] is /));
  }
});

test('5,000 nodes with the longest names fit into a ConfigMap', () => {
  const longest = (index: number) => `${String(index).padStart(5, '0')}${'n'.repeat(248)}`;
  const changes = Array.from({ length: 5_000 }, (_, index) => ({
    key: pinKey(longest(index)),
    pin: pin(key(String(index))),
  }));
  const { pins, isFull } = changePins(new Map(), changes);
  assert.equal(pins.size, 5_000);
  assert.equal(isFull, false);
  // The longest name that is not hashed makes the longest line.
  const [line] = formatPins(new Map([[pinKey('n'.repeat(100)), pin(key('a'))]])).split('\n');
  assert.equal((line?.length ?? 0) + 1, 190);
  assert.ok(5_000 * 190 <= pinsLimitBytes);
  // The key's name counts, too.
  assert.ok(pinsLimitBytes + 'pins'.length < mebibyte);
});

test('a long name is replaced by its hash', () => {
  const long = 'n'.repeat(101);
  assert.match(pinKey(long), /^~[\w-]{43}$/);
  assert.notEqual(pinKey(long), pinKey(`${long}n`));
  assert.equal(pinKey('node-a'), 'node-a');
});

test('a UID that would break the line is not pinned', () => {
  assert.equal(isPinnableUid(uid), true);
  for (const wrong of [undefined, '', 'a b', 'a\nb', 'x'.repeat(37)]) assert.equal(isPinnableUid(wrong), false);
});

describe('of two pins of a node', () => {
  const after = (first: Pin, second: Pin) =>
    changePins(new Map([['node-a', first]]), [{ key: 'node-a', pin: second }]).pins.get('node-a');

  test('the first key stays', () => assert.deepEqual(after(pin(key('a')), pin(key('b'))), pin(key('a'))));
  test('a CA replaces a key', () => assert.deepEqual(after(pin(key('a')), pin('ca')), pin('ca')));
  test('a key does not replace a CA', () => assert.deepEqual(after(pin('ca'), pin(key('a'))), pin('ca')));
  test('a key of a Node with another UID replaces both', () => {
    assert.deepEqual(after(pin(key('a')), pin(key('b'), 'new')), pin(key('b'), 'new'));
    assert.deepEqual(after(pin('ca'), pin(key('b'), 'new')), pin(key('b'), 'new'));
  });
});

test('what does not fit is left out, and what does is not', () => {
  const line = formatPins(new Map([['node-a', pin(key('a'))]])).length;
  const add = (node: string, proof: Proof) => ({ key: node, pin: pin(proof) });
  const full = changePins(
    new Map(),
    [add('node-a', key('a')), add('node-b', key('b')), add('node-c', 'ca')],
    2 * line - 1,
  );
  assert.deepEqual([...full.pins.keys()], ['node-a', 'node-c']);
  assert.deepEqual([full.isChanged, full.isFull], [true, true]);
  // A CA's line is shorter.
  const shorter = changePins(new Map([['node-a', pin(key('a'))]]), [add('node-a', 'ca')], 1);
  assert.deepEqual([shorter.isChanged, shorter.isFull], [true, false]);
});

describe('of pins that a version of the ConfigMap lacks', () => {
  const long = 'n'.repeat(120);
  const nodes = ['node-a', 'node-b', 'node-c', 'node-d', long].map((name) => ({ name, uid }));
  const before = new Map(nodes.map(({ name }) => [pinKey(name), pin('ca')]));
  const lost = (kept: readonly string[], hasKey = true, existing = nodes) => [
    ...lostPins(before, { pins: new Map(kept.map((name) => [name, pin('ca')])), hasKey }, () => existing).keys(),
  ];

  test('up to three were removed by a user', () => {
    assert.deepEqual(lost(['node-a', 'node-b', 'node-c', 'node-d', pinKey(long)]), []);
    assert.deepEqual(lost(['node-a', pinKey(long)]), []);
  });
  test('more were lost, also a long name', () => {
    assert.deepEqual(lost(['node-a']), ['node-b', 'node-c', 'node-d', pinKey(long)]);
  });
  test('all of several were lost, and the only one was removed', () => {
    const few = new Map([...before].slice(0, 2));
    const none = { pins: new Map(), hasKey: true };
    assert.equal(lostPins(few, none, () => nodes).size, 2);
    assert.equal(lostPins(new Map([...few].slice(0, 1)), none, () => nodes).size, 0);
    assert.equal(lostPins(new Map([...few].slice(0, 1)), { ...none, hasKey: false }, () => nodes).size, 1);
  });
  test('those of Nodes that are gone were removed by another replica', () => {
    assert.deepEqual(lost([], true, nodes.slice(0, 1)), ['node-a']);
    const others = nodes.map(({ name }) => ({ name, uid: 'new' }));
    assert.deepEqual(lost([], false, others), []);
  });
});

test('a pin is removed only for the Node that it is of', () => {
  const pins = new Map([['node-a', pin(key('a'))]]);
  const gone = (of: string) => changePins(pins, [{ key: 'node-a', pin: pin(key('a'), of), isGone: true }]);
  assert.equal(gone(uid).pins.size, 0);
  assert.equal(gone('new').pins.size, 1);
  assert.equal(gone('new').isChanged, false);
});

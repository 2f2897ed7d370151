import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AbsentNodes } from '../../../src/view/absentnodes.ts';
import { createFakeClock } from '../../fakes/clock.ts';

const names = (count: number, from = 0) => new Set(Array.from({ length: count }, (_, at) => `node-${from + at}`));

test('names are kept while they are named, until the node exists or for five minutes', () => {
  const clock = createFakeClock();
  const absent = new AbsentNodes(clock);
  assert.equal(absent.haveAll(new Set()), true);
  assert.equal(absent.haveAll(names(2)), false);
  absent.add(names(2));
  for (let minutes = 0; minutes < 12; minutes += 4) {
    assert.equal(absent.haveAll(names(1)), true);
    clock.jump(4 * 60_000);
  }
  assert.equal(absent.haveAll(names(1)), true);
  assert.equal(absent.haveAll(names(2)), false, 'the other one was not named for too long');
  absent.remove(new Set(['node-0', 'node-7']));
  assert.equal(absent.haveAll(names(1)), false);
});

test('of more names than there may be, those that were named last are kept', () => {
  const absent = new AbsentNodes(createFakeClock());
  absent.add(names(5_000));
  absent.add(names(1));
  absent.add(names(1, 5_000));
  assert.deepEqual(
    [names(1), names(1, 1), names(1, 2), names(1, 5_000)].map((each) => absent.haveAll(each)),
    [true, false, true, true],
  );
  absent.add(names(6_000));
  assert.equal(absent.haveAll(names(6_000)), false);
});

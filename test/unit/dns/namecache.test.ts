import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { LookupError } from '../../../src/dns/address.ts';
import { createNameCache, type NameCache } from '../../../src/dns/namecache.ts';

const addresses = [{ address: '10.0.0.1', family: 4 }] as const;
const hourMs = 3_600_000;
let nowMs: number;
let cache: NameCache;

beforeEach(() => {
  nowMs = 0;
  cache = createNameCache(() => nowMs);
});

describe('an entry is fresh', () => {
  const cases: readonly [string, number, number][] = [
    ['for its TTL', 20_000, 20_000],
    ['for at least 5 s', 0, 5_000],
    ['for at most a minute', hourMs, 60_000],
  ];
  for (const [how, ttlMs, lifeMs] of cases) {
    test(how, () => {
      cache.found('a', addresses, ttlMs, false);
      nowMs = lifeMs - 1;
      assert.equal(cache.fresh('a'), addresses);
      nowMs = lifeMs;
      assert.equal(cache.fresh('a'), undefined);
      assert.equal(cache.stale('a'), addresses);
    });
  }

  test('and then has the last known good addresses for a day', () => {
    cache.found('a', addresses, 0, false);
    nowMs = 24 * hourMs;
    assert.equal(cache.stale('a'), addresses);
    nowMs += 5_000;
    assert.equal(cache.stale('a'), undefined);
  });

  test('until the name is gone, which is cached for 5 s', () => {
    cache.found('a', addresses, 0, false);
    const error = new LookupError('a', 'gone', true);
    cache.absent('a', error);
    assert.equal(cache.fresh('a'), error);
    assert.equal(cache.stale('a'), undefined);
    nowMs = 5_000;
    assert.equal(cache.fresh('a'), undefined);
  });
});

test('the oldest entries are evicted, but not those of the names on which everything depends', () => {
  cache.found('kube-apiserver', addresses, 0, true);
  for (let index = 0; index < 10_000; index += 1) cache.found(`node-${index}`, addresses, 0, false);
  assert.equal(cache.fresh('kube-apiserver'), addresses);
  assert.equal(cache.fresh('node-0'), undefined);
  assert.equal(cache.fresh('node-1'), addresses);
});

/** Look-ups for Node's sockets: what callbacks receive, and that an exception of theirs is not a failed look-up. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { LookupError } from '../../../src/dns/address.ts';
import { Lookups } from '../../../src/dns/lookup.ts';

const addresses = [
  { address: '10.0.0.1', family: 4 },
  { address: 'fd00::1', family: 6 },
] as const;

/** Returns the callback's arguments. */
function look(lookups: Lookups, options: Parameters<Lookups['lookup']>[1]): Promise<readonly unknown[]> {
  return new Promise((resolve) => lookups.lookup('node-a', options, (...results) => resolve(results)));
}

describe('a callback receives', () => {
  const lookups = new Lookups(async () => addresses, 1_000);

  test('all addresses, or those of one family', async () => {
    assert.deepEqual(await look(lookups, { all: true }), [null, addresses]);
    assert.deepEqual(await look(lookups, { all: true, family: 6 }), [null, [addresses[1]]]);
    assert.deepEqual(await look(lookups, { all: true, family: 'IPv4' }), [null, [addresses[0]]]);
  });

  test('the first address', async () => {
    assert.deepEqual(await look(lookups, {}), [null, '10.0.0.1', 4]);
    assert.deepEqual(await look(lookups, { family: 6 }), [null, 'fd00::1', 6]);
  });

  test('an error if no address has the family', async () => {
    const [error] = await look(new Lookups(async () => [addresses[0]], 1_000), { family: 6 });
    assert.ok(error instanceof LookupError && /no IPv6 address/.test(error.message), String(error));
  });

  test('the error of the resolver', async () => {
    const failure = new LookupError('node-a', 'as expected');
    const [error] = await look(new Lookups(() => Promise.reject(failure), 1_000), {});
    assert.equal(error, failure);
  });
});

describe('an exception of the callback is uncaught, and the callback is not called again,', () => {
  const cases = [
    ['after a result', 'async () => [{ address: "10.0.0.1", family: 4 }]'],
    ['after an error', '() => Promise.reject(new Error("not found"))'],
  ] as const;
  for (const [name, resolve] of cases) {
    test(name, async () => {
      const module = new URL('../../../src/dns/lookup.ts', import.meta.url).href;
      // In a process of its own: an uncaught exception would end this one.
      const script = `
        import { Lookups } from ${JSON.stringify(module)};
        let calls = 0;
        process.on('uncaughtException', (error, origin) => console.log(error.message, origin));
        process.on('exit', () => console.log('calls', calls));
        new Lookups(${resolve}, 1_000).lookup('node-a', {}, () => {
          calls += 1;
          throw new Error('of the callback');
        });
      `;
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
      assert.equal(stdout, 'of the callback uncaughtException\ncalls 1\n');
    });
  }
});

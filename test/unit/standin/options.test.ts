/** The stand-in's flags: what they become; all errors are reported at once. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseOptions, UsageError } from '../../standin/options.ts';

describe('stand-in options', () => {
  test('have defaults for a person who just wants to see it', () => {
    assert.deepEqual(parseOptions([]), {
      nodes: 3,
      pods: 40,
      seed: 1,
      calm: false,
      apiPort: 18_443,
      port: 14_443,
      certDir: 'certs',
    });
  });

  test('are taken from flags', () => {
    const argv = ['--nodes=5', '--pods', '200', '--seed=9', '--api-port=0', '--port=0', '--cert-dir=/tmp/x', '--calm'];
    const expected = { nodes: 5, pods: 200, seed: 9, calm: true, apiPort: 0, port: 0, certDir: '/tmp/x' };
    assert.deepEqual(parseOptions(argv), expected);
  });

  test('are not needed for help', () => {
    assert.equal(parseOptions(['--help', '--nodes=none']), undefined);
  });

  const refused = (argv: string[], message: string): void => {
    test(`${argv.join(' ')}: ${message}`, () => {
      assert.throws(
        () => parseOptions(argv),
        (error) => error instanceof UsageError && error.message === message,
      );
    });
  };
  refused(
    ['--port=20000', '--api-port=20000'],
    '--port and --api-port are both 20000: choose two ports, or 0 for free ones',
  );
  refused(['--nodes=0'], '--nodes=0: must be a whole number from 1 to 500');
  refused(['--pods=many'], '--pods=many: must be a whole number from 0 to 20000');
  refused(['--nods=3', 'go'], '--nods: no such flag; see --help\ngo: not a flag; see --help');
  refused(['--seed'], '--seed: needs a value, as in --seed=1');
});

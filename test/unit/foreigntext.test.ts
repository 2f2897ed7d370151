/** Text from outside is shown without our secrets, whole or in part, plain or encoded, and without control characters. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { escapeControls, foreignText, keepSecret, terminalJson, withoutSecrets } from '../../src/foreigntext.ts';
import { cpuMsOf } from '../fakes/cputime.ts';

const alphabet = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'.split(''));
const tokens = fc.string({ unit: alphabet, minLength: 40, maxLength: 1_500 });
/** Text of characters that no token here has, so that only the token's parts match. */
const others = fc.string({ unit: fc.constantFrom('!', '(', ' ', '~'), maxLength: 50 });

/** No part of the token of 16 characters is in the text. */
function assertWithout(text: string, token: string): void {
  for (let at = 0; at + 16 <= token.length; at += 1)
    assert.ok(!text.includes(token.slice(at, at + 16)), `${text} repeats ${token.slice(at, at + 16)}`);
}

describe('a secret', () => {
  test('is redacted wherever it is in a text', () => {
    fc.assert(
      fc.property(tokens, others, others, (token, before, after) => {
        keepSecret(`Bearer ${token}`);
        assert.equal(foreignText(`${before}${token}${after}`), `${before}<redacted>${after}`);
      }),
    );
  });

  test('is redacted in part, from 16 characters on', () => {
    fc.assert(
      fc.property(tokens, others, fc.nat(), fc.integer({ min: 16, max: 60 }), (token, before, from, length) => {
        keepSecret(`Bearer ${token}`);
        const start = from % (token.length - 16);
        const part = token.slice(start, start + length);
        assertWithout(foreignText(`${before}${part}!`), part);
      }),
    );
  });

  test('is redacted in base64 at any offset, in hexadecimal and percent-encoded', () => {
    fc.assert(
      fc.property(tokens, fc.nat(5), fc.constantFrom('base64', 'base64url', 'hex'), (token, shift, encoding) => {
        keepSecret(`Bearer ${token}`);
        const encoded = Buffer.from(`${'x'.repeat(shift)}${token}yz`).toString(encoding);
        const clean = foreignText(encoded, { limit: 10_000 });
        // The neighbours' characters are all that is left.
        assert.ok(clean.length < 40, clean);
      }),
    );
    keepSecret('Bearer abc/def+ghi=jkl/mno+pqr=stu');
    const odd = encodeURIComponent('abc/def+ghi=jkl/mno+pqr=stu');
    assert.equal(foreignText(`?token=${odd}`), '?token=<redacted>');
  });

  test('is redacted before the text is cut', () => {
    fc.assert(
      fc.property(tokens, fc.integer({ min: 4, max: 200 }), (token, limit) => {
        keepSecret(`Bearer ${token}`);
        const clean = foreignText(`${'!'.repeat(limit - 1)}${token}`, { limit });
        assert.equal(clean, `${'!'.repeat(limit - 3)}...`);
      }),
    );
  });

  test('is redacted after its rotation', () => {
    keepSecret('Bearer the-previous-token-of-ours');
    keepSecret('Bearer the-current-token-of-ours!');
    assert.equal(foreignText('the-previous-token-of-ours, the-current-token-of-ours!'), '<redacted>, <redacted>');
  });

  test('stays redacted while it is used, however often another one rotates', () => {
    for (let rotation = 0; rotation < 100; rotation += 1) {
      keepSecret('Bearer the-token-that-only-kube-apiserver-gets');
      keepSecret(`Bearer a-token-for-kubelets-of-rotation-${rotation}`);
    }
    assert.equal(foreignText('the-token-that-only-kube-apiserver-gets'), '<redacted>');
    assert.equal(foreignText('a-token-for-kubelets-of-rotation-99'), '<redacted>');
  });

  test('includes the password of basic authentication', () => {
    keepSecret(`Basic ${Buffer.from('admin:correct horse').toString('base64')}`);
    assert.equal(foreignText('it says correct horse'), 'it says <redacted>');
    assert.equal(foreignText(Buffer.from('admin:correct horse').toString('base64')), '<redacted>');
  });

  test('of another server is redacted where the caller names it', () => {
    assert.equal(foreignText('unknown token: short-1', { secrets: ['short-1'] }), 'unknown token: <redacted>');
    assert.equal(foreignText('unknown token: short-1'), 'unknown token: short-1');
  });

  test('is redacted in every text of an object', () => {
    keepSecret('Bearer quoted"token\\with-odd characters');
    const line = { msg: 'says quoted"token\\with-odd characters', list: [1, null, 'a\u001b'] };
    assert.deepEqual(withoutSecrets(line), { msg: 'says <redacted>', list: [1, null, 'a\\x1b'] });
  });

  test('that begins at the end of the searched text is cut off', () => {
    keepSecret('Bearer first-secret-that-is-long-enough-to-move-what-follows');
    const text = `first-secret-that-is-long-enough-to-move-what-follows${'!'.repeat(100)}other-secret-of-another`;
    assert.ok(!foreignText(text, { limit: 100, secrets: ['other-secret-of-another'] }).includes('oth'));
  });

  test('is searched fast in a text that nearly repeats it', () => {
    const token = 'ab'.repeat(4_000);
    keepSecret(`Bearer ${token}`);
    const tookMs = cpuMsOf(() => void foreignText(`${'ab'.repeat(500)}c`.repeat(20), { limit: 20_000 }));
    assert.ok(tookMs < 5_000, `${tookMs} ms`);
  });
});

describe('a control character', () => {
  const cases: readonly [string, string][] = [
    ['\u0000', '\\x00'],
    ['\n', '\\x0a'],
    ['\u001b[31m', '\\x1b[31m'],
    ['\u007f', '\\x7f'],
    ['\u0085', '\\x85'],
    ['\u009b', '\\x9b'],
    ['\u2028', '\\u2028'],
    ['\u2029', '\\u2029'],
    ['\u200e', '\\u200e'],
    ['\u202e', '\\u202e'],
    ['\u2066', '\\u2066'],
    ['\u061c', '\\u061c'],
  ];
  for (const [raw, escaped] of cases) {
    test(`is written as ${escaped}`, () => assert.equal(foreignText(`a${raw}b`), `a${escaped}b`));
  }

  test('is escaped in JSON, which stays the same value', () => {
    const raw = cases.map(([each]) => each).join('');
    const value = { [`key${raw}`]: [raw, 'caf\u00e9'] };
    for (const text of [terminalJson(value), terminalJson(value, 2)]) {
      assert.deepEqual(text.replaceAll('\n', '').match(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu), null);
      assert.deepEqual(JSON.parse(text), value);
    }
  });

  test('is not found in other text', () => {
    assert.equal(escapeControls('caf\u00e9 \u{1f600} a\u00a0b'), 'caf\u00e9 \u{1f600} a\u00a0b');
  });
});

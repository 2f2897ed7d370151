/** Holds that no regular expression in src/ backtracks: each takes linear time over 60 KB of its worst input. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const src = path.resolve(import.meta.dirname, '../../src');

const hostileBytes = 60_000;

/** Quadratic patterns take 0.3 s and more over 60 KB, linear ones less than 5 ms. */
const limitMs = 150;
const attempts = 5;

/** Texts that repetitions match, single and alternating, so that a match can be split or started at many positions. */
const repeated = [
  ' ',
  '\t',
  'a',
  'A',
  '0',
  '1',
  '9',
  '-',
  '_',
  '.',
  '/',
  ':',
  ',',
  ';',
  '=',
  '%',
  '\\',
  '\n',
  '\r\n',
  '"',
  '\x85',
  '\u2028',
  'é',
  ' ,',
  ', ',
  ': ',
  ' :',
  'a.',
  '.a',
  '-a',
  '0.',
  '.0',
  '1s',
  '1.s',
  '%4',
  '%41',
  '\\n',
  '\\\\',
  '/.',
  '//',
  'a=',
  '=a',
  ':0',
  '_0',
  'a ',
  '!=',
  '()',
  '--',
  '-----BEGIN CERTIFICATE-----',
  ':SSL routines:',
  'subresource(s)=[',
  'subresource(s)=[a ',
  'pod',
  '-pod',
  'close,',
  'close ',
  'gzip ',
  ';q=0',
  `-${'0'.repeat(64)}`,
  `pod${'0'.repeat(32)}`,
  `-pod${'a'.repeat(8)}-aaaa-aaaa-aaaa-`,
  'certificate is ',
  'https://',
  '--a',
  '0_',
];

/** Prefixes that let a pattern reach its repetition. */
const prefixes = [
  'a:',
  'a: ',
  'HTTP/1.1 200 ',
  'close',
  'x,close',
  'gzip',
  'gzip;q=0',
  '-----BEGIN CERTIFICATE-----',
  ':SSL routines:',
  '1',
  '1:',
  '+',
  '--',
  '--a=',
  '/',
  'a',
  '0x',
  '.',
];

/** Suffixes that make the whole match fail at its end. */
const suffixes = ['', '\0', '!', 'x'];

interface Found {
  readonly where: string;
  readonly pattern: RegExp;
}

/** Finds the literals by a scan over strings, comments and templates; a slash behind an operator begins a pattern. */
function patternsIn(file: string): Found[] {
  const text = readFileSync(path.join(src, file), 'utf8');
  const found: Found[] = [];
  const token =
    /\/\/[^\n]*|\/\*[^]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|(?<=(?:[(,=:[!&|?{;>]|return)\s*)\/((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+)\/([dgimsuvy]*)/g;
  for (const { 0: literal, 1: body, 2: flags, index } of text.matchAll(token)) {
    if (body === undefined) continue;
    const line = text.slice(0, index).split('\n').length;
    found.push({ where: `${file}:${line} ${literal}`, pattern: new RegExp(body, flags) });
  }
  return found;
}

test('no regular expression backtracks over 60 KB', () => {
  const patterns = globSync('**/*.ts', { cwd: src }).flatMap(patternsIn);
  assert.ok(patterns.length > 50, 'the scan finds the patterns');
  const inputs = repeated.flatMap((part) => {
    const run = part.repeat(Math.ceil(hostileBytes / part.length));
    return [...suffixes.map((suffix) => run + suffix), ...prefixes.map((prefix) => `${prefix}${run}\0`)];
  });
  assert.deepEqual(
    patterns.map((found) => slowestOf(found, inputs)).filter((slow) => slow !== undefined),
    [],
  );
});

/** Returns the first input that is too slow, if any. */
function slowestOf({ where, pattern }: Found, inputs: readonly string[]): string | undefined {
  for (const input of inputs) {
    const tookMs = fastestOf(pattern, input);
    if (tookMs > limitMs)
      return `${where} takes ${Math.round(tookMs)} ms over ${JSON.stringify(input.slice(0, 40))}...`;
  }
  return undefined;
}

/** Returns the shortest time in milliseconds: other processes may hold up one attempt, a slow pattern holds up each. */
function fastestOf(pattern: RegExp, input: string): number {
  let fastestMs = Infinity;
  for (let attempt = 0; attempt < attempts && fastestMs > limitMs; attempt += 1) {
    const startedMs = performance.now();
    pattern.lastIndex = 0;
    pattern.test(input);
    fastestMs = Math.min(fastestMs, performance.now() - startedMs);
  }
  return fastestMs;
}

/** Error texts are those of the real server, captured. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { parseLabelSelector } from '../../../src/apimachinery/labels.ts';
import { StatusError } from '../../../src/apimachinery/status.ts';
import { cpuMsOf } from '../../fakes/cputime.ts';

const nodes = new Map([
  [
    'a',
    new Map([
      ['disk', 'ssd'],
      ['zone', 'z1'],
      ['n', '5'],
    ]),
  ],
  [
    'b',
    new Map([
      ['zone', 'z2'],
      ['n', '-7'],
      ['in', 'z1'],
    ]),
  ],
  [
    'c',
    new Map([
      ['zone', ''],
      ['n', 'x'],
      ['notin', 'y'],
    ]),
  ],
  ['d', new Map<string, string>()],
]);

describe('a selector matches', () => {
  chooses('', 'a', 'b', 'c', 'd');
  chooses('   ', 'a', 'b', 'c', 'd');
  chooses('disk', 'a');
  chooses('!disk', 'b', 'c', 'd');
  chooses('! disk', 'b', 'c', 'd');
  chooses('zone=z1', 'a');
  chooses('zone==z1', 'a');
  chooses(' zone \t= z1\n', 'a');
  chooses('zone!=z1', 'b', 'c', 'd');
  chooses('zone=', 'c');
  chooses('zone!=', 'a', 'b', 'd');
  chooses('zone in (z1,z2)', 'a', 'b');
  chooses('zone in (z1, z2 ,)', 'a', 'b', 'c');
  chooses('zone in(z2)', 'b');
  chooses('zone in ()', 'c');
  chooses('zone in (,)', 'c');
  chooses('zone in (,z1,,)', 'a', 'c');
  chooses('zone notin (z1,z2)', 'c', 'd');
  chooses('zone notin ()', 'a', 'b', 'd');
  chooses('in in (z1)', 'b');
  chooses('in=z1', 'b');
  chooses('notin', 'c');
  chooses('zone in (in,notin)');
  chooses('n>4', 'a');
  chooses('n>5');
  chooses('n<6', 'a', 'b');
  chooses('n>9223372036854775807');
  chooses('n<9223372036854775807', 'a', 'b');
  chooses('disk,zone=z1', 'a');
  chooses('disk,!disk');
  chooses('zone\0', 'a', 'b', 'c');
  chooses('\0,,,', 'a', 'b', 'c', 'd'); // a NUL ends the text, as it does in Go
  chooses('example.com/role=x');
});

describe('a selector is a bad request', () => {
  const nameRule =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
  const valueRule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
  const integerRule = "for 'Gt', 'Lt' operators, the value must be an integer";

  refusesRequirement('zone in (z1', "found '', expected: ',' or ')'");
  refusesRequirement('zone in z1', "found 'z1' expected: '('");
  refusesRequirement('zone in', "found '' expected: '('");
  refusesRequirement('zone in (', "found '', expected: ',', ')' or identifier");
  refusesRequirement('zone in (=', "found '=', expected: ',', ')' or identifier");
  refusesRequirement('zone in (z1,', "found '', expected: ',', or identifier");
  refusesRequirement('zone in (z1 z2)', "found 'z2', expected: ',' or ')'");
  refusesRequirement('zone>a', `values[0]: Invalid value: "a": ${integerRule}`);
  refusesRequirement(
    'zone>-a',
    `[values[0]: Invalid value: "-a": ${integerRule}, values[0][zone]: Invalid value: "-a": ${valueRule}]`,
  );
  refusesRequirement('zone<9223372036854775808', `values[0]: Invalid value: "9223372036854775808": ${integerRule}`);
  refusesRequirement('zone gt 1', "found 'gt', expected: in, notin, =, ==, !=, gt, lt");
  refusesRequirement('zone!z1', "found '!', expected: in, notin, =, ==, !=, gt, lt");
  refusesRequirement('zone===z1', "found '=', expected: identifier");
  refusesRequirement('zone=(z1)', "found '(', expected: identifier");
  refusesRequirement('!', "found '', expected: identifier");
  refusesRequirement('!!zone', "found '!', expected: identifier");
  refuses('zone=z1 z2', "found 'z2', expected: ',' or 'end of string'");
  refuses('!zone=z1', "found '=', expected: ',' or 'end of string'");
  refuses('zone=z1,', "found '', expected: identifier after ','");
  refuses('zone,,disk', "found ',', expected: identifier after ','");
  refuses(',', "found ',', expected: !, identifier, or 'end of string'");
  refuses(',zone=z1', "found ',', expected: !, identifier, or 'end of string'");
  refuses('=z1', "found '=', expected: !, identifier, or 'end of string'");
  refusesRequirement('/zone=z1', '<nil>: Invalid value: "/zone": prefix part must be non-empty');
  refusesRequirement('-zone=z1', `<nil>: Invalid value: "-zone": name part ${nameRule}`);
  refusesRequirement('a/=z1', `<nil>: Invalid value: "a/": name part must be non-empty; name part ${nameRule}`);
  refusesRequirement(
    'A/b=z1',
    `<nil>: Invalid value: "A/b": prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
  );
  refusesRequirement(
    'a/b/c=z1',
    `<nil>: Invalid value: "a/b/c": a valid label key ${nameRule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
  );
  refusesRequirement('zone=-z1', `values[0][zone]: Invalid value: "-z1": ${valueRule}`);
  refusesRequirement(
    'zone in (ok,-b,-a)',
    `[values[0][zone]: Invalid value: "-a": ${valueRule}, values[1][zone]: Invalid value: "-b": ${valueRule}]`,
  );
  refusesRequirement(
    `zone=${'a'.repeat(64)}`,
    `values[0][zone]: Invalid value: "${'a'.repeat(64)}": must be no more than 63 bytes`,
  );
  refusesRequirement(
    `${'a'.repeat(64)}=x`,
    `<nil>: Invalid value: "${'a'.repeat(64)}": name part must be no more than 63 bytes`,
  );
  refusesRequirement(
    `${'a'.repeat(254)}/b=x`,
    `<nil>: Invalid value: "${'a'.repeat(254)}/b": prefix part must be no more than 253 bytes`,
  );
  refusesRequirement('zone=\u00e9', `values[0][zone]: Invalid value: "\u00e9": ${valueRule}`);
  refuses('a'.repeat(65_537), 'label selector of 65537 characters: use at most 65536');
  refuses(Array.from({ length: 257 }, () => '!a').join(), 'label selector of more than 256 requirements: use fewer');
});

test('requirements have the form of a SubjectAccessReview: sorted by key, with sorted values', () => {
  assert.deepEqual(parseLabelSelector('app=db,tier!=x,foo,!bar,n in (b,a),z>5').requirements, [
    { key: 'app', operator: 'In', values: ['db'], isSet: false },
    { key: 'bar', operator: 'DoesNotExist', values: [], isSet: false },
    { key: 'foo', operator: 'Exists', values: [], isSet: false },
    { key: 'n', operator: 'In', values: ['a', 'b'], isSet: true },
    { key: 'tier', operator: 'NotIn', values: ['x'], isSet: false },
    { key: 'z', operator: 'Gt', values: ['5'], isSet: false },
  ]);
});

const pieces = fc.constantFrom(
  'a',
  'in',
  'notin',
  '=',
  '!',
  '<',
  '>',
  '(',
  ')',
  ',',
  ' ',
  '/',
  '-',
  '1',
  '\0',
  '\u{1f600}',
  '\ud800',
);
const selectors = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(pieces, { maxLength: 30 }).map((list) => list.join('')),
);

test('any text parses or is a bad request', () => {
  fc.assert(
    fc.property(selectors, (text) => {
      try {
        parseLabelSelector(text).matches(new Map([['a', '1']]));
      } catch (error) {
        assert.ok(error instanceof StatusError, String(error));
        assert.equal(error.code, 400);
      }
    }),
    { numRuns: 2000 },
  );
});

test('the longest and costliest selectors are parsed within the limit', () => {
  for (const piece of ['a', 'a.', 'a,', '=', '!', '(', ' ', '-', '1', '0', 'a in (', '/', '\0', '\\']) {
    for (const before of ['', 'k=', 'k>', 'k in (', 'a/']) {
      const text = `${before}${piece.repeat(65_536)}`.slice(0, 65_535);
      const tookMs = cpuMsOf(() => assert.doesNotThrow(() => swallow(() => parseLabelSelector(`${text}!`))));
      assert.ok(tookMs < 1000, `${before}${piece}... took ${tookMs} ms`);
    }
  }
});

function chooses(selector: string, ...names: string[]): void {
  test(`${JSON.stringify(selector)}: ${names.join(' ') || 'nothing'}`, () => {
    const parsed = parseLabelSelector(selector);
    assert.deepEqual(
      [...nodes].filter(([, labels]) => parsed.matches(labels)).map(([name]) => name),
      names,
    );
  });
}

function refuses(selector: string, message: string): void {
  test(`${JSON.stringify(selector).slice(0, 40)}: ${message.slice(0, 80)}`, () => {
    assert.throws(() => parseLabelSelector(selector), { name: 'StatusError', code: 400, message });
  });
}

function refusesRequirement(selector: string, message: string): void {
  refuses(selector, `unable to parse requirement: ${message}`);
}

/** Runs what may refuse its input. */
function swallow(parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
  }
}

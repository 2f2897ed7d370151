import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/clock.ts';
import { silentLogger } from '../../../src/logging.ts';
import { createEngine, type EngineOptions, headersOf } from '../../../src/promql/engine.ts';
import { urlLimitBytes, writeRequest } from '../../../src/promql/promqlrequest.ts';
import { createRecordingLog } from '../../fakes/recordinglog.ts';

const engine = (options: Partial<EngineOptions> = {}) =>
  createEngine({
    name: 'prometheus',
    url: 'http://prometheus:9090',
    verb: 'GET',
    headers: [],
    clock: systemClock,
    log: silentLogger,
    ...options,
  });

test('user and password of the URL become basic authentication and leave the URL', async () => {
  const { url, access } = engine({ url: 'https://us%40er:p%3Aw@prometheus/prefix' });
  assert.equal(url.href, 'https://prometheus/prefix');
  assert.equal(await access.authorization(), `Basic ${Buffer.from('us@er:p:w').toString('base64')}`);
});

test('a user or password with a % that begins no escape is refused without being shown', () => {
  assert.throws(() => engine({ url: 'http://us%er:secret%zz@prometheus' }), {
    message: 'its user or password has a % that begins no escape; write %25 for a %',
  });
});

test('empty parts of the path of a URL are left out, since servers redirect from them', () => {
  const pathOf = (url: string) => writeRequest(engine({ url }), 'query', [['query', 'up']], true).path;
  assert.deepEqual(['http://prometheus//', 'http://prometheus//a///b/'].map(pathOf), [
    '/api/v1/query?query=up',
    '/a/b/api/v1/query?query=up',
  ]);
});

test('a URL that is none, or of another protocol, is refused', () => {
  assert.throws(() => engine({ url: 'prometheus:9090/x y' }), /must begin with http/);
  assert.throws(() => engine({ url: '//prometheus' }), /no URL/);
});

test('credentials without TLS are warned of', () => {
  const { log, lines } = createRecordingLog();
  engine({ url: 'http://user:pw@prometheus', log });
  assert.deepEqual(lines, ['warn: credentials are sent to Prometheus without TLS']);
});

for (const [where, options] of [
  ['a header', { url: 'http://prometheus', headers: ['Authorization=Bearer a-token-without-tls'] }],
  ['the URL', { url: 'http://prometheus/?access_token=a-token-without-tls' }],
] as const) {
  test(`credentials in ${where} without TLS are warned of`, () => {
    const { log, lines } = createRecordingLog();
    engine({ ...options, log });
    assert.equal(lines.length, 1);
    assert.doesNotMatch(String(lines), /a-token/);
  });
}

test('headers are split at the first equals sign, and those of HTTP itself are refused', () => {
  assert.deepEqual(headersOf(['X-Scope-OrgID=team-a', 'X-Two= a=b ']), { 'x-scope-orgid': 'team-a', 'x-two': 'a=b' });
  assert.deepEqual(headersOf(['X-A=1', 'x-b=2', 'x-a=3']), { 'x-a': ['1', '3'], 'x-b': '2' });
  assert.throws(() => headersOf(['X-Scope-OrgID']), /name=value/);
  assert.throws(() => headersOf(['a b=c']), /name=value/);
  for (const name of ['Host', 'Expect', 'Keep-Alive', 'Upgrade', 'Transfer-Encoding', 'TE', 'Trailer']) {
    assert.throws(() => headersOf([`${name}=other`]), /cannot be set/);
  }
  assert.throws(
    () => headersOf(['X-Token=secret\r\nX-Other: y']),
    (error: Error) => !error.message.includes('secret'),
  );
});

test('a request keeps the prefix and the parameters of the URL', () => {
  const target = engine({ url: 'http://prometheus/select/0/prometheus/?dedup=true' });
  assert.deepEqual(writeRequest(target, 'query', [['query', 'up{a="b"}']], true), {
    method: 'GET',
    path: '/select/0/prometheus/api/v1/query?dedup=true&query=up%7Ba%3D%22b%22%7D',
    body: undefined,
  });
});

test('a long URL becomes a POST, unless the adapter is to be imitated', () => {
  const long: readonly [string, string][] = [['query', 'x'.repeat(urlLimitBytes)]];
  assert.deepEqual(writeRequest(engine(), 'query', long, true).method, 'POST');
  assert.deepEqual(writeRequest(engine(), 'query', long, false).method, 'GET');
  assert.deepEqual(
    writeRequest(engine({ verb: 'POST', url: 'http://p/?dedup=true' }), 'query', [['query', '1']], true),
    {
      method: 'POST',
      path: '/api/v1/query?dedup=true',
      body: 'query=1',
    },
  );
});

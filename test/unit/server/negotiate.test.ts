import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { jsonForm, negotiate, noTransform, type Restrictions } from '../../../src/server/negotiate.ts';
import { type ApiRequest, requestInfo } from '../../../src/server/requestinfo.ts';

describe('JSON is indented by user agent and ?pretty', () => {
  const check = (userAgent: string, pretty: string | undefined, expected: string) =>
    test(`${userAgent} ${pretty ?? 'without ?pretty'}: ${expected}`, () =>
      assert.equal(jsonForm(new Map(pretty === undefined ? [] : [['pretty', pretty]]), userAgent), expected));
  check('curl/8.0', undefined, 'pretty');
  check('Wget/1.2', undefined, 'pretty');
  check('wget/1.2', undefined, 'compact');
  check('Mozilla/5.0 (X11)', undefined, 'pretty');
  check('kubectl/v1.37', undefined, 'compact');
  check('kubectl/v1.37', 'T', 'pretty');
  check('kubectl/v1.37', '1', 'pretty');
  check('curl/8.0', 'false', 'compact');
  check('curl/8.0', 'abc', 'compact');
  check('curl/8.0', '', 'pretty');
});

function ask(accept: string, userAgent = 'lab/1.0'): Pick<ApiRequest, 'info' | 'header'> {
  const info = requestInfo('GET', '/');
  assert.ok(info);
  return { info, header: (name) => (name === 'accept' ? accept : userAgent) };
}

describe('the media type of an object without conversions', () => {
  const check = (accept: string, expected: string | undefined) =>
    test(`${accept || '(none)'}: ${expected}`, () =>
      assert.equal(negotiate(ask(accept), noTransform)?.mediaType, expected));
  const [json, yaml, protobuf] = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
  for (const accept of [
    '',
    '*/*',
    '*',
    '*/*;q=0',
    'application/*',
    'application/json;q=0',
    'text/html, application/json',
  ]) {
    check(accept, json);
  }
  check('application/json;charset=utf-8', json);
  check('text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', json);
  check('application/cbor,application/json', json);
  check('application/vnd.kubernetes.protobuf, */*', protobuf);
  check('application/vnd.kubernetes.protobuf,application/json', protobuf);
  check('application/vnd.kubernetes.protobuf;q=0.5,application/json;q=0.9', json);
  check('application/yaml;q=0.9,application/json;q=0.8', yaml);
  check('application/json;stream=watch', json);
  check('application/json;stream=,application/yaml', json);
  check('application/json;stream=foo;a=b,application/yaml', yaml);
  check('application/yaml;stream=watch', undefined);
  check('application/json;sv=v1', undefined);
  check('application/json;as=', json);
  check('application/json;as=Table;v=v1;g=meta.k8s.io,application/yaml', yaml);
  for (const accept of ['text/html', 'application/cbor', 'text/yaml', 'APPLICATION/JSON', 'garbage', ',']) {
    check(accept, undefined);
  }
});

describe('conversions of an object', () => {
  const tablesOnly: Restrictions = {
    allowsTransform: (mediaType, transform) => transform?.kind === 'Table' && mediaType !== 'application/json',
    serverVersion: 'v1',
  };

  test('decide on the media type', () => {
    assert.deepEqual(negotiate(ask('application/json;as=Table,*/*;as=Table;g=x;v=v1;sv=v1'), tablesOnly), {
      mediaType: 'application/yaml',
      transform: { kind: 'Table', group: 'x', version: 'v1' },
      form: 'compact',
    });
  });

  test('are not used for clients that name none', () => {
    assert.equal(negotiate(ask('application/yaml'), tablesOnly), undefined);
    assert.equal(negotiate(ask('application/yaml;as=Table;sv=v2'), tablesOnly), undefined);
  });
});

test('Accept can request indented JSON, but not compact JSON', () => {
  assert.equal(negotiate(ask('application/json;pretty=1'), noTransform)?.form, 'pretty');
  assert.equal(negotiate(ask('application/json;pretty=0', 'curl/8'), noTransform)?.form, 'pretty');
});

test('any Accept header is accepted or not, without an exception', () => {
  fc.assert(fc.property(fc.string(), (accept) => void negotiate(ask(accept), noTransform)));
});

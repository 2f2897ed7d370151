import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { jsonForm, wantsAggregatedDiscovery } from '../../../src/server/negotiate.ts';

describe('JSON is indented', () => {
  const check = (userAgent: string, pretty: string | undefined, expected: string) =>
    test(`${userAgent} ${pretty ?? 'without ?pretty'}: ${expected}`, () =>
      assert.equal(jsonForm(new Map(pretty === undefined ? [] : [['pretty', pretty]]), userAgent), expected));
  check('curl/8.0', undefined, 'pretty');
  check('Wget/1.2', undefined, 'pretty');
  check('wget/1.2', undefined, 'compact');
  check('Mozilla/5.0 (X11)', undefined, 'pretty');
  check('kubectl/v1.37', undefined, 'compact');
  check('kubectl/v1.37', 'T', 'pretty');
  check('curl/8.0', 'false', 'compact');
  check('curl/8.0', '', 'pretty');
});

describe('aggregated discovery', () => {
  const check = (accept: string, expected: boolean) =>
    test(accept || '(none)', () => assert.equal(wantsAggregatedDiscovery(accept), expected));
  const v2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  check(v2, true);
  check(v2.replaceAll(';', '; '), true);
  check(`${v2};profile=nopeer`, true);
  check(`${v2.replace('v=v2', 'v=v3')},${v2}`, true);
  check(`application/json,${v2}`, false);
  check(`*/*,${v2}`, false);
  check(v2.replace('v=v2', 'v=v3'), false);
  check('application/json', false);
  check('', false);
});

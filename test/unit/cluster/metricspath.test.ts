import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { metricsPath } from '../../../src/cluster/metricspath.ts';

describe('a path in the annotation', () => {
  for (const path of [
    '/metrics',
    'metrics',
    '/metrics/resource',
    'metrics/resource/v1alpha1',
    '/metrics/a.b-c_d~e/..x',
  ])
    test(`is read: ${path}`, () => assert.equal(metricsPath(path), path.startsWith('/') ? path : `/${path}`));

  const refused = [
    '',
    '/',
    '/other',
    '/metricsx',
    '/Metrics',
    '//metrics',
    '/metrics/',
    '/metrics//a',
    '/metrics/../run',
    '/metrics/..',
    '/metrics/./a',
    '/metrics/...',
    '/metrics/%2e%2e/run',
    '/metrics/%2E%2E/run',
    '/metrics/%2fa',
    '/metrics?x=/metrics/',
    '/metrics/a?x',
    '/metrics/a#x',
    '/metrics/a;x',
    '/metrics\\..\\run',
    '/metrics/\\..\\run',
    '/metrics/a b',
    '/metrics/a\n',
    '/metrics/a\u0000',
    '/metrics/\u2025',
    '/metrics/\uff0e\uff0e/run',
    'https://other/metrics/',
    '/exec/metrics/a',
    `/metrics/${'a'.repeat(300)}`,
  ];
  for (const path of refused)
    test(`is ignored: ${JSON.stringify(path.slice(0, 40))}`, () => assert.equal(metricsPath(path), undefined));
});

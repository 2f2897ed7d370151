import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enginesDigest } from '../../../src/command/rulessnapshot.ts';
import { prometheusSettings } from '../../../src/options/prometheussettings.ts';
import { parsePrometheusUrls } from '../../../src/options/prometheusurls.ts';

test('engines have one digest as long as URLs, tenants, credentials and the form of queries are the same', () => {
  const urls = parsePrometheusUrls(['main=https://user:secret@prometheus/']);
  const digestOf = (flags: Parameters<typeof prometheusSettings>[0], of = urls, asAdapter = false, salt = 'salt') =>
    enginesDigest(prometheusSettings(flags, of), asAdapter)(salt);
  const same = digestOf({ 'prometheus-header': ['X-Scope-OrgID=a'] });
  assert.equal(digestOf({ 'prometheus-header': ['X-Scope-OrgID=a'] }), same);
  const others = [
    digestOf({ 'prometheus-header': ['X-Scope-OrgID=b'] }),
    digestOf({ 'prometheus-token-file': ['/token'] }),
    digestOf({ 'prometheus-header': ['X-Scope-OrgID=a'] }, parsePrometheusUrls(['main=https://other/'])),
    digestOf({ 'prometheus-header': ['X-Scope-OrgID=a'] }, urls, true),
    digestOf({ 'prometheus-header': ['X-Scope-OrgID=a'] }, urls, false, 'pepper'),
  ];
  assert.equal(new Set([same, ...others]).size, 1 + others.length);
  assert.doesNotMatch(same, /secret/);
});

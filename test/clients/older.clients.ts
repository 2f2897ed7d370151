/** The matrix against the older minor; `npm run test:clients` brings that up first. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { field, text } from '../../src/client/json.ts';
import { getJson } from './curl.ts';
import { describeMatrix } from './matrix.ts';
import { olderMinor } from './older.ts';

const { target } = olderMinor();

test('kube-apiserver is the older minor, which knows aggregated discovery in v2beta1 only', async () => {
  assert.match(text(field(await getJson(target, '/version'), 'gitVersion')) ?? '', /^v1\.29\./);
  const accept = (version: string) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  const list = await getJson(target, '/apis', `${accept('v2')},${accept('v2beta1')}`);
  assert.equal(field(list, 'apiVersion'), 'apidiscovery.k8s.io/v2beta1');
});

describeMatrix(target);

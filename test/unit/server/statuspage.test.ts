import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusResourcePath } from '../../../src/api/statusresource.ts';
import { requestInfo } from '../../../src/server/requestinfo.ts';
import { isStatusResource } from '../../../src/server/statuspage.ts';

/** What is not recognised is served by no route, and so needs no second right. */
test('the report as a resource is recognised by what is authorized, not by the text of the path', () => {
  const M = '/apis/metrics.k8s.io/v1beta1';
  const isIt = (path: string, method = 'GET') => isStatusResource(requestInfo(method, path) ?? assert.fail(path));
  for (const path of [
    statusResourcePath,
    `${statusResourcePath}/`,
    `${statusResourcePath}//`,
    `${statusResourcePath}?watch=1`,
    `${M}/kubegauge%5Fstatus?node=a`,
    `https://host${statusResourcePath}`,
    `/${statusResourcePath}`,
  ]) {
    assert.ok(isIt(path), path);
    assert.ok(isIt(path, 'PUT'), path);
  }
  for (const path of [
    `${statusResourcePath}/a`,
    `${statusResourcePath}//a`,
    `${M}/namespaces/a/kubegauge_status`,
    `${M}/namespaces//kubegauge_status`,
    `${M}/watch/kubegauge_status`,
    `${M}/proxy/kubegauge_status`,
    `${M}//kubegauge_status`,
    `${M}/nodes`,
    '/apis/metrics.k8s.io/v1/kubegauge_status',
    '/api/v1/kubegauge_status',
    '/status',
  ]) {
    assert.ok(!isIt(path), path);
  }
});

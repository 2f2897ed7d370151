import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { decodeBody, fromStatus, readBody, toStatusError } from '../../../src/client/response.ts';
import { encodeObject } from '../../fakes/kubeprotobuf.ts';

test('a Status body gives the error its message', () => {
  const message = 'nodes is forbidden: User "system:serviceaccount:x:y" cannot list resource "nodes"';
  const error = toStatusError(
    'GET https://k/api/v1/nodes',
    403,
    Buffer.from(JSON.stringify({ kind: 'Status', message, code: 403 })),
  );
  assert.equal(error.reason, 'Forbidden');
  assert.equal(error.code, 403);
  assert.equal(error.message, message);
  assert.match(String(error.cause), /GET https:\/\/k\/api\/v1\/nodes answered 403/);
});

test('a Status body in protobuf gives the error its message', () => {
  const status = { kind: 'Status', apiVersion: 'v1', message: 'The provided continue parameter is too old', code: 410 };
  const error = toStatusError('GET https://k/api/v1/nodes', 410, encodeObject(status));
  assert.equal(error.code, 410);
  assert.equal(error.message, status.message);
});

test("a proxy's page is quoted in part", () => {
  const error = toStatusError('GET https://k/', 502, Buffer.from(`<html>Bad Gateway${'x'.repeat(1000)}`));
  assert.equal(error.reason, 'InternalError');
  assert.equal(error.code, 502);
  assert.match(error.message, /^<html>Bad Gateway/);
  assert.equal(error.message.length, 200);
});

test('a status without a reason in Kubernetes keeps its code', () => {
  assert.equal(toStatusError('GET https://k/', 302, Buffer.from('')).code, 302);
});

test('an ERROR event without a code is an internal error', () => {
  assert.equal(fromStatus('watch of /x', undefined).code, 500);
});

test('a body beyond the limit is rejected before it is complete', async () => {
  let sent = 0;
  const body = new Readable({
    read() {
      sent += 1;
      this.push(Buffer.alloc(1000));
    },
  });
  await assert.rejects(readBody(body, 10_000), /larger than 10000 bytes/);
  assert.ok(sent < 1000);
  assert.ok(body.destroyed);
});

test('a body that is not JSON is quoted', () => {
  assert.throws(() => decodeBody(Buffer.from('upstream timed out'), false), /not JSON: upstream timed out/);
});

test('a body that may contain a secret is not quoted', () => {
  assert.throws(
    () => decodeBody(Buffer.from('{"token":"s3cret'), true),
    (error: Error) => !`${error.message} ${String(error.cause)}`.includes('s3cret'),
  );
});

test('the causes of a Status are kept, escaped and limited', () => {
  const causes = [
    { reason: 'Stale', message: 'too \u001b[2J old', field: 'x' },
    ...Array.from({ length: 20 }, () => ({})),
  ];
  const status = { kind: 'Status', message: 'not found', code: 404, details: { causes } };
  const { details } = toStatusError('GET https://k/', 404, Buffer.from(JSON.stringify(status)));
  assert.equal(details?.causes?.length, 10);
  assert.deepEqual(details.causes[0], { reason: 'Stale', message: 'too \\x1b[2J old' });
});

/** The REST client against a real HTTPS server: credentials, errors, deadlines, broken connections and rotated certificates. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { StatusError } from '../../src/apimachinery/status.ts';
import type { ApiServer, TlsMaterial } from '../../src/client/apiserver.ts';
import { isBrokenConnection } from '../../src/client/connectionerrors.ts';
import { createRestClient, type RestClient } from '../../src/client/rest.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { node } from '../fakes/kubeobjects.ts';
import { until } from '../fakes/until.ts';

describe('the REST client', () => {
  const clients: RestClient[] = [];
  const authority = makeAuthority('clients');
  let fake: FakeApiServer;

  beforeEach(async () => {
    fake = await createFakeApiServer({ clientCa: authority.cert });
    fake.objects.set(node('a'));
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client[Symbol.asyncDispose]()));
    await fake.close();
  });

  test('gets an object, with its credentials and user agent', async () => {
    const found = await client().get('/api/v1/nodes/a');
    assert.equal(nameOf(found), 'a');
    const [request] = fake.requests;
    assert.equal(request?.headers.authorization, 'Bearer fake');
    assert.match(request?.headers['user-agent'] ?? '', /^kubegauge\//);
    assert.equal(request?.headers.accept, 'application/json');
  });

  test('sends other credentials instead of its own, whose rejection refreshes nothing', async () => {
    const refresh = () => assert.fail('it refreshes its own');
    await client({ refresh }).create(
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      {},
      { authorization: 'Bearer other' },
    );
    assert.equal(fake.requests[0]?.headers.authorization, 'Bearer other');
    fake.faults.answer = () => 401;
    await assert.rejects(client({ refresh }).get('/api/v1/nodes/a', { authorization: 'Bearer other' }), { code: 401 });
  });

  test('sends the query and the media type that it is given', async () => {
    await client().get('/api/v1/nodes', { query: { labelSelector: 'a in (b, c)' }, accept: 'application/json;v=v1' });
    assert.equal(fake.requests[0]?.query.get('labelSelector'), 'a in (b, c)');
    assert.equal(fake.requests[0]?.headers.accept, 'application/json;v=v1');
  });

  test('reports each request with its code and the Date of its answer', async () => {
    const reported: unknown[] = [];
    const rest = createRestClient(fake.connection, { onRequest: (...request) => reported.push(request) });
    clients.push(rest);
    await rest.get('/api/v1/nodes/a');
    const [[method, , code, date] = []] = reported as (readonly unknown[])[];
    assert.deepEqual([method, code], ['GET', '200']);
    assert.ok(Math.abs(Date.parse(String(date)) - Date.now()) < 60_000, String(date));
  });

  test('keeps the path of the URL, as Rancher has one', async () => {
    const rest = client({ url: `${fake.url}/k8s/clusters/c-1` });
    await assert.rejects(rest.get('/api/v1/nodes/a'), { code: 404 });
    assert.equal(fake.requests[0]?.path, '/k8s/clusters/c-1/api/v1/nodes/a');
  });

  test('presents its certificate', async () => {
    const { cert, key } = authority.issue({ cn: 'kubegauge', usages: ['client'] });
    const rest = client({
      tls: fixed({ ca: fake.ca, cert, key, rejectUnauthorized: true }),
      authorization: async () => undefined,
    });
    await rest.get('/api/v1/nodes/a');
    assert.equal(fake.requests[0]?.clientName, 'kubegauge');
    assert.equal(fake.requests[0]?.headers.authorization, undefined);
  });

  test('turns a Status into a StatusError with the words of the server', async () => {
    await assert.rejects(client().get('/api/v1/nodes/b'), (error: unknown) => {
      assert.ok(error instanceof StatusError);
      assert.equal(error.reason, 'NotFound');
      assert.equal(error.code, 404);
      assert.equal(error.message, 'nodes "b" not found');
      return true;
    });
  });

  test('retries a 401 with newer credentials', async () => {
    let token = 'old';
    fake.faults.accepts = ({ headers }) => headers.authorization === 'Bearer new';
    const rest = client({
      authorization: async () => `Bearer ${token}`,
      refresh: () => {
        token = 'new';
      },
    });
    assert.equal(nameOf(await rest.get('/api/v1/nodes/a')), 'a');
    assert.deepEqual(
      fake.requests.map(({ headers }) => headers.authorization),
      ['Bearer old', 'Bearer new'],
    );
  });

  test('does not retry a 401 with the same credentials', async () => {
    fake.faults.accepts = () => false;
    await assert.rejects(client({ refresh: () => undefined }).get('/api/v1/nodes/a'), { reason: 'Unauthorized' });
    assert.equal(fake.requests.length, 1);
  });

  test('names the request in the error when the server is down', async () => {
    await fake.faults.down();
    await assert.rejects(client().get('/api/v1/nodes/a'), (error: Error) => {
      assert.equal(error.message, `GET ${fake.url}/api/v1/nodes/a failed`);
      assert.match(String(error.cause), /ECONNREFUSED/);
      return true;
    });
  });

  test('fails at its deadline', async () => {
    fake.faults.delayMs = 5_000;
    await assert.rejects(client().get('/api/v1/nodes/a', { timeoutMs: 30 }), causedBy(/no answer within 30 ms/));
  });

  test('fails at its deadline while credentials are missing', async () => {
    const rest = client({ authorization: () => new Promise(() => undefined) });
    await assert.rejects(rest.get('/api/v1/nodes/a', { timeoutMs: 30 }), causedBy(/no answer within 30 ms/));
  });

  test("aborts with the caller's reason", async () => {
    fake.faults.delayMs = 5_000;
    const stop = new AbortController();
    const answer = client().get('/api/v1/nodes/a', { signal: stop.signal });
    await until('the request is there', () => fake.requests.length === 1);
    stop.abort(new Error('the server stops'));
    await assert.rejects(answer, { message: 'the server stops' });
  });

  test('recognises a connection that broke under a request', async () => {
    fake.faults.answer = () => 'hang up';
    await assert.rejects(client().get('/api/v1/nodes/a'), (error) => isBrokenConnection(error));
    fake.faults.answer = () => 500;
    await assert.rejects(client().get('/api/v1/nodes/a'), (error) => !isBrokenConnection(error));
  });

  test('does not follow a redirect, which would carry the token away', async () => {
    fake.faults.answer = () => 302;
    await assert.rejects(client().get('/api/v1/nodes/a'), { code: 302 });
    assert.equal(fake.requests.length, 1);
  });

  test('rejects a server of an unknown CA', async () => {
    const rest = client({ tls: fixed({ ca: makeAuthority('other').cert, rejectUnauthorized: true }) });
    await assert.rejects(rest.get('/api/v1/nodes/a'), causedBy(/certificate/));
    assert.equal(fake.requests.length, 0);
  });

  test('verifies the name that is configured', async () => {
    const right = client({
      tls: fixed({ ca: fake.ca, servername: 'kubernetes.default.svc', rejectUnauthorized: true }),
    });
    await right.get('/api/v1/nodes/a');
    const wrong = client({ tls: fixed({ ca: fake.ca, servername: 'other.example', rejectUnauthorized: true }) });
    await assert.rejects(wrong.get('/api/v1/nodes/a'), causedBy(/altnames/));
  });

  test('uses a new CA for new connections, while a watch goes on over its old one', async () => {
    let material: TlsMaterial = { ca: fake.ca, rejectUnauthorized: true };
    const rest = client({ tls: () => material });
    const stop = new AbortController();
    const { body: stream } = await rest.stream('/api/v1/nodes', { query: { watch: 'true' }, signal: stop.signal });
    const chunks: string[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString())).on('error', () => undefined);

    const renewed = makeAuthority('renewed');
    fake.faults.present(renewed);
    material = { ca: renewed.cert, rejectUnauthorized: true };
    assert.equal(nameOf(await rest.get('/api/v1/nodes/a')), 'a');
    fake.objects.set(node('b'));
    await until('the watch has delivered b', () => chunks.join('').includes('"name":"b"'));
    stop.abort();
  });

  test('gives each stream a connection of its own', async () => {
    const rest = client();
    const stop = new AbortController();
    const open = async () => rest.stream('/api/v1/nodes', { query: { watch: 'true' }, signal: stop.signal });
    const streams = await Promise.all([open(), open(), open()]);
    for (const { body } of streams) body.resume().on('error', () => undefined);
    assert.equal(fake.watches.connections(), 3);
    stop.abort();
  });

  test('aborts requests in flight when it is disposed of', async () => {
    const rest = client();
    const { body: stream } = await rest.stream('/api/v1/nodes', { query: { watch: 'true' } });
    const ended = assert.rejects(stream.toArray());
    await rest[Symbol.asyncDispose]();
    await ended;
    await assert.rejects(rest.get('/api/v1/nodes/a'), causedBy(/the client is closed/));
  });

  function client(changes: Partial<ApiServer> = {}): RestClient {
    const rest = createRestClient({ ...fake.connection, ...changes });
    clients.push(rest);
    return rest;
  }
});

function fixed(material: TlsMaterial): () => TlsMaterial {
  return () => material;
}

function causedBy(pattern: RegExp): (error: Error) => boolean {
  return (error) => pattern.test(String(error.cause));
}

function nameOf(object: unknown): string {
  const { metadata } = object as { metadata: { name: string } };
  return metadata.name;
}

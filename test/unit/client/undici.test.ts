import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

/** In a process of its own: other tests have loaded all of undici into this one. */
test('a process with a REST client loads only the parts of undici that it needs', async () => {
  const rest = new URL('../../../src/client/rest.ts', import.meta.url);
  const script = `
    import { createServer } from 'node:http';
    import { once } from 'node:events';
    import Module from 'node:module';
    import { createRestClient } from ${JSON.stringify(rest)};
    const server = createServer((_request, response) => response.end('{"kind":"Node"}')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = 'http://127.0.0.1:' + server.address().port;
    const client = createRestClient({ url, tls: () => ({}), authorization: async () => undefined });
    const object = await client.get('/api/v1/nodes/a');
    const files = Object.keys(Module._cache).filter((file) => file.includes('/undici/'));
    console.log(JSON.stringify({ object, hasFetch: files.some((file) => file.includes('/web/fetch/index')) }));
    process.exit();`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  assert.deepEqual(JSON.parse(stdout), { object: { kind: 'Node' }, hasFetch: false });
});

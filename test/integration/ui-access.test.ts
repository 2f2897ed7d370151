/** Who may read from the server of `kubegauge ui`: links, cookies, other sites, other paths and methods. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { apiPaths } from '../../src/ui/routes.ts';
import { connectionLimit, headerLimitBytes, sessionLimit, urlLimitBytes } from '../../src/ui/limits.ts';
import { podView } from '../fakes/clusterview.ts';
import { send, startTestUi, type TestUi } from './uiclient.ts';

let own: TestUi;
before(async () => {
  own = await startTestUi({ content: { pods: [podView('default', 'web-1')] } });
});
after(() => own[Symbol.asyncDispose]());

const navigation = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

/** Path and query of a new link. */
function newTarget({ ui }: TestUi = own): string {
  const { pathname, search } = new URL(ui.newLink());
  return pathname + search;
}

const paths = [
  '',
  'main.js',
  ...Object.values(apiPaths).map((path) => path.slice(1).replace(':namespace', 'default').replace(':name', 'web-1')),
];

describe('a link', () => {
  test('opens once, with a cookie that scripts, other sites and other ports do not get', async () => {
    const target = newTarget();
    const opened = await send(own.port, target);
    assert.equal(opened.status, 200);
    const [cookie = ''] = opened.headers['set-cookie'] ?? [];
    assert.match(cookie, /^kubegauge=[\w-]{22}; Path=\/[\w-]{8}\/; HttpOnly; SameSite=Strict$/);
    assert.ok(cookie.includes(`Path=${own.base};`));
    assert.match(opened.text, /<meta http-equiv="refresh" content="0;url=\.\/">/);
    assert.equal(opened.headers['referrer-policy'], 'no-referrer');
    const [pair = ''] = cookie.split(';');
    assert.equal((await send(own.port, own.base, { cookie: pair })).status, 200);

    const again = await send(own.port, target);
    assert.equal(again.status, 401);
    assert.equal(again.headers['set-cookie'], undefined);
    assert.match(again.text, /This link has been used/);
    assert.deepEqual(own.uses.splice(0), ['opened', 'again']);
    assert.equal((await send(own.port, own.base, { cookie: pair })).status, 401, 'its session has ended');
  });

  test('that is used again and again is reported once: each report is a line, or a new link in place of the one to open', async () => {
    const target = newTarget();
    await send(own.port, target);
    for (let use = 0; use < 3; use += 1) assert.equal((await send(own.port, target)).status, 401);
    assert.deepEqual(own.uses.splice(0), ['opened', 'again']);
  });

  test('that a browser with a session opens again shows the page', async () => {
    const target = newTarget();
    const [cookie = ''] = ((await send(own.port, target)).headers['set-cookie']?.[0] ?? '').split(';');
    const again = await send(own.port, target, { cookie });
    assert.deepEqual([again.status, again.headers['set-cookie']], [200, undefined]);
    assert.equal((await send(own.port, own.base, { cookie })).status, 200);
    assert.deepEqual(own.uses.splice(0), ['opened']);
  });

  test('is used up by a browser with a session, too, which ends when another user has the link', async () => {
    await using other = await startTestUi();
    const cookie = await other.open();
    other.uses.splice(0);
    const target = newTarget(other);
    const shown = await send(other.port, target, { cookie });
    assert.deepEqual([shown.status, shown.headers['set-cookie']], [200, undefined]);
    assert.equal((await send(other.port, target, { cookie })).status, 200, 'its own browser may open it again');
    const stranger = await send(other.port, target);
    assert.deepEqual([stranger.status, stranger.headers['set-cookie']], [401, undefined]);
    assert.deepEqual(other.uses.splice(0), ['opened', 'again']);
    assert.equal((await send(other.port, other.base, { cookie })).status, 401, 'the session has ended');
  });

  test('that another user has opened first ends their session when a browser with a session opens it', async () => {
    await using other = await startTestUi();
    const cookie = await other.open();
    other.uses.splice(0);
    const target = newTarget(other);
    const [stranger = ''] = ((await send(other.port, target)).headers['set-cookie']?.[0] ?? '').split(';');
    assert.equal((await send(other.port, other.base, { cookie: stranger })).status, 200);
    assert.equal((await send(other.port, target, { cookie })).status, 200);
    assert.equal((await send(other.port, other.base, { cookie: stranger })).status, 401);
    assert.equal((await send(other.port, other.base, { cookie })).status, 200);
    assert.deepEqual(other.uses.splice(0), ['opened', 'again']);
  });

  test('is not used up by a browser with a session that fetches ahead, and shows it nothing', async () => {
    await using other = await startTestUi();
    const cookie = await other.open();
    const target = newTarget(other);
    assert.equal((await send(other.port, target, { cookie, 'sec-purpose': 'prefetch' })).status, 401);
    assert.equal((await send(other.port, target, { cookie }, 'HEAD')).status, 401);
    assert.equal((await send(other.port, target)).status, 200);
  });

  test('opens nothing once there is a newer one', async () => {
    const older = newTarget();
    const newer = newTarget();
    assert.equal((await send(own.port, older)).status, 401);
    assert.equal((await send(own.port, newer)).status, 200);
  });

  test('is not used up by HEAD or by a browser that fetches ahead', async () => {
    const target = newTarget();
    assert.equal((await send(own.port, target, {}, 'HEAD')).status, 401);
    assert.equal((await send(own.port, target, { 'sec-purpose': 'prefetch;prerender' })).status, 401);
    assert.equal((await send(own.port, target)).status, 200);
  });

  test('may be followed from another site, as from a web mail, but not be loaded by its scripts or frames', async () => {
    const target = newTarget();
    const foreign = { 'sec-fetch-site': 'cross-site' };
    const script = await send(own.port, target, {
      ...foreign,
      'sec-fetch-mode': 'no-cors',
      'sec-fetch-dest': 'script',
    });
    const frame = await send(own.port, target, {
      ...foreign,
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'iframe',
    });
    assert.deepEqual([script.status, frame.status], [403, 403]);
    assert.equal((await send(own.port, target, { ...foreign, ...navigation })).status, 200);
  });

  test('of a guessed token opens nothing', async () => {
    for (const token of ['', 'x', 'A'.repeat(22), '%00', '__proto__'])
      assert.equal((await send(own.port, `${own.base}?token=${token}`)).status, 401, token);
  });

  test(`ends the oldest session where there would be more than ${sessionLimit}`, async () => {
    await using other = await startTestUi();
    const cookies: string[] = [];
    for (let count = 0; count <= sessionLimit; count += 1) cookies.push(await other.open());
    const statuses = await Promise.all(cookies.map((cookie) => send(other.port, other.base, { cookie })));
    assert.deepEqual(
      statuses.map(({ status }) => status),
      [401, ...Array.from({ length: sessionLimit }, () => 200)],
    );
  });
});

describe('without a session', () => {
  test('no path answers but with 401', async () => {
    for (const path of [...paths, 'missing', 'api/missing']) {
      const { status, text: body } = await send(own.port, own.base + path);
      assert.equal(status, 401, path);
      if (path.startsWith('api/')) assert.equal(JSON.parse(body).error, 'this browser has no session', path);
    }
    for (const target of ['/', '/favicon.ico', '/api/summary'])
      assert.equal((await send(own.port, target)).status, 401);
  });

  test('a wrong cookie is none', async () => {
    for (const cookie of ['kubegauge=', 'kubegauge=x', 'kubegauge', `other=${'a'.repeat(22)}`, ';;=;'])
      assert.equal((await send(own.port, `${own.base}api/nodes`, { cookie })).status, 401, cookie);
  });
});

describe('with a session', () => {
  test('a foreign host name that resolves to 127.0.0.1 gets 403 on every path (DNS rebinding)', async () => {
    for (const host of [
      'evil.example',
      `evil.example:${own.port}`,
      `localhost:${own.port}`,
      '127.0.0.1',
      `127.0.0.1:1`,
    ])
      for (const path of paths) assert.equal((await own.get(path, { host })).status, 403, `${host} ${path}`);
    const link = newTarget();
    assert.equal((await send(own.port, link, { host: `evil.example:${own.port}` })).status, 403);
    assert.equal((await send(own.port, link)).status, 200, 'the link was not used up');
  });

  test('a request that a page of another site or of another port begins gets 403', async () => {
    const foreign = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:1' },
      { origin: `https://127.0.0.1:${own.port}` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'same-site', ...navigation },
    ];
    for (const headers of foreign)
      for (const path of paths)
        assert.equal((await own.get(path, headers)).status, 403, `${JSON.stringify(headers)} ${path}`);
  });

  test("our own page's requests are answered, and no answer allows another origin", async () => {
    const allowed = [
      {},
      { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' },
      { 'sec-fetch-site': 'none', ...navigation },
      { origin: `http://127.0.0.1:${own.port}` },
    ];
    for (const headers of allowed) {
      const answer = await own.get('api/nodes', headers);
      assert.equal(answer.status, 200);
      assert.deepEqual(
        Object.keys(answer.headers).filter((name) => name.startsWith('access-control')),
        [],
      );
    }
  });

  test('every answer has the headers that keep it from others', async () => {
    for (const path of [...paths, 'missing', 'api/nodes?unknown=1']) {
      const { headers } = await own.get(path);
      assert.match(String(headers['content-security-policy']), /^default-src 'self'; base-uri 'none'; /, path);
      assert.doesNotMatch(String(headers['content-security-policy']), /unsafe|\*|https?:|data:/);
      assert.equal(headers['referrer-policy'], 'no-referrer', path);
      assert.equal(headers['x-content-type-options'], 'nosniff', path);
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path);
      assert.equal(headers['cache-control'], 'private, no-cache', path);
    }
  });

  test('only GET and HEAD are answered', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      const { status, headers } = await own.get('api/nodes', {}, method);
      assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], method);
    }
    const head = await own.get('api/nodes', {}, 'HEAD');
    assert.deepEqual([head.status, head.text], [200, '']);
  });

  test('paths of files and of kube-apiserver are not there, however they are written', async () => {
    const missing = [
      'package.json',
      '../package.json',
      '..%2fpackage.json',
      '%2e%2e/%2e%2e/etc/passwd',
      '..\\..\\package.json',
      './../../etc/passwd',
      'page/../../uiserver.ts',
      'vendor/../../../package.json',
      'main.js/',
      'main.js%00.html',
      'api',
      'api/',
      'api/v1/nodes',
      'api/v1/namespaces/kube-system/secrets',
      'apis/metrics.k8s.io/v1beta1/nodes',
      'api/nodes/proxy',
      'api/pods/default/web-1/log',
      'api/pods/..%2f..%2fsecrets/x',
      'api/pods/default/..%2fweb-1',
      'api/pods/default/web-1%3fx',
      'api//nodes',
      'API/nodes',
      '__proto__',
    ];
    const before = own.view.content.reads.length;
    for (const path of missing) {
      const { status, text: body } = await own.get(path);
      assert.ok(status === 404 || status === 400 || status === 401, `${path}: ${status}`);
      assert.doesNotMatch(body, /root:|"name":|node_modules|\.ts/, path);
    }
    assert.equal((await own.get('%zz')).status, 400);
    assert.deepEqual(
      own.view.content.reads.slice(before).filter((read) => /pod|secret/.test(read)),
      [],
    );
  });

  test('an absolute URL as proxies get it is not followed', async () => {
    for (const target of [
      'http://evil.example/',
      `http://127.0.0.1:${own.port}${own.base}api/nodes`,
      '//evil.example/',
    ]) {
      const { status } = await send(own.port, target);
      assert.ok(status === 401 || status === 403 || status === 404, `${target}: ${status}`);
    }
  });

  test('long URLs and headers are refused', async () => {
    assert.equal((await own.get(`api/pods?labelSelector=${'a'.repeat(urlLimitBytes)}`)).status, 414);
    assert.equal((await own.get('api/nodes', { 'x-long': 'a'.repeat(headerLimitBytes + urlLimitBytes) })).status, 400);
  });
});

describe('a connection', () => {
  test('that sends no HTTP gets 400, and one that wants a tunnel is closed', async () => {
    assert.match(await exchange('hello\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.doesNotMatch(
      await exchange('CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n'),
      /^HTTP\/1\.1 2/,
    );
  });

  test(`beyond the ${connectionLimit} that a server keeps is closed, and those before it go on`, async () => {
    await using other = await startTestUi();
    const cookie = await other.open();
    using opened = new DisposableStack();
    const idle = Array.from({ length: connectionLimit }, () => {
      const socket = connect(other.port, '127.0.0.1');
      opened.defer(() => socket.destroy());
      return socket;
    });
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    await assert.rejects(send(other.port, other.base, { cookie }));
    const [first] = idle;
    first?.write(`GET ${other.base}api/nodes HTTP/1.1\r\nHost: 127.0.0.1:${other.port}\r\nCookie: ${cookie}\r\n\r\n`);
    const [head] = first === undefined ? [] : await once(first, 'data');
    assert.match(String(head), /^HTTP\/1\.1 200 /);
  });

  async function exchange(sent: string): Promise<string> {
    const socket = connect(own.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.end(sent);
    return text(socket).catch(() => '');
  }
});

test('the server listens on 127.0.0.1 alone', async () => {
  const { networkInterfaces } = await import('node:os');
  const others = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  for (const { address } of others.filter((each) => !each.internal && each.family === 'IPv4')) {
    const socket = connect(own.port, address);
    await assert.rejects(once(socket, 'connect'), /ECONNREFUSED/);
  }
  const ipv6 = connect(own.port, '::1');
  await assert.rejects(once(ipv6, 'connect'));
});

import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { pino } from 'pino';
import { authenticationConfigMap, type ConfigMapData, type ConfigMapSource } from '../../../src/auth/configmap.ts';
import { createSettings, type SettingsHolder, type SettingsOptions } from '../../../src/auth/settings.ts';
import { makeAuthority } from '../../fakes/certificates.ts';
import { createFakeClock } from '../../fakes/clock.ts';

const clients = makeAuthority('clients').cert;
const proxies = makeAuthority('proxies').cert;
const others = makeAuthority('others').cert;
const complete = {
  'client-ca-file': clients,
  'requestheader-client-ca-file': proxies,
  'requestheader-allowed-names': '["front-proxy-client"]',
  'requestheader-username-headers': '["X-Remote-User"]',
  'requestheader-group-headers': '["X-Remote-Group"]',
  'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
};
const headers = { username: ['X-Remote-User'], uid: [], group: ['X-Remote-Group'], extraPrefix: ['X-Remote-Extra-'] };

const clock = createFakeClock();
let lines: string[];
let opened: SettingsHolder[];
let folder: string;

beforeEach(async () => {
  lines = [];
  opened = [];
  folder = await mkdtemp(path.join(tmpdir(), 'settings-'));
});
afterEach(async () => {
  for (const settings of opened) settings[Symbol.dispose]();
  await rm(folder, { recursive: true });
});

async function open(options: Partial<SettingsOptions>): Promise<SettingsHolder> {
  const log = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
  const settings = await createSettings({ source: undefined, clock, log, ...options });
  opened.push(settings);
  return settings;
}

/** The part of an informer that settings use. */
function createSource(first?: Readonly<Record<string, string>>) {
  type Listener = Parameters<ConfigMapSource['onChange']>[0];
  const listeners: Listener[] = [];
  let held: ConfigMapData | undefined;
  let synced = false;
  if (first !== undefined) set(first);
  const source: ConfigMapSource = {
    synced: () => synced,
    values: () => (held === undefined ? [] : [held]),
    onChange: (listener) => void listeners.push(listener),
  };
  return { source, set, remove, sync: () => void (synced = true) };

  function set(data: Readonly<Record<string, string>>): void {
    held = authenticationConfigMap.parse({ data });
    for (const listener of listeners) listener({ type: 'set', value: held });
  }

  function remove(): void {
    const value = held ?? new Map<string, string>();
    held = undefined;
    for (const listener of listeners) listener({ type: 'delete', value });
  }
}

describe('the settings of the ConfigMap', () => {
  test('are the trusted CAs and the headers of front proxies', async () => {
    const { source } = createSource(complete);
    const { clientCa, requestHeader } = (await open({ source })).current();
    assert.equal(clientCa?.pem, clients);
    assert.equal(requestHeader?.ca.pem, proxies);
    assert.deepEqual(requestHeader?.allowedNames, ['front-proxy-client']);
    assert.deepEqual(requestHeader?.headers, headers);
  });

  test('trust no client before they are read', async () => {
    const { source, sync } = createSource();
    const settings = await open({ source });
    assert.deepEqual(settings.current(), { clientCa: undefined, requestHeader: undefined });
    assert.equal(settings.ready(), false);
    sync();
    assert.equal(settings.ready(), true);
  });

  test('change with it, and at no other time', async () => {
    const { source, set } = createSource(complete);
    const settings = await open({ source });
    const before = settings.current();
    const seen: unknown[] = [];
    settings.onChange((changed) => seen.push(changed));
    set({ ...complete, unrelated: 'key' });
    assert.equal(seen.length, 0);
    assert.equal(settings.current(), before);
    set({ ...complete, 'requestheader-uid-headers': '["X-Remote-Uid"]' });
    assert.deepEqual(seen, [settings.current()]);
    assert.deepEqual(settings.current().requestHeader?.headers.uid, ['X-Remote-Uid']);
    assert.equal(settings.current().clientCa, before.clientCa);
  });

  test('accept a bundle during a rotation of CAs', async () => {
    const { source } = createSource({ ...complete, 'client-ca-file': `${clients}\n# next\n${others}` });
    assert.equal((await open({ source })).current().clientCa?.certificates.length, 2);
  });

  const stays = (what: string, broken: Readonly<Record<string, string>>, message: RegExp) =>
    void test(`stay when ${what}, with one line in the log`, async () => {
      const { source, set } = createSource(complete);
      const settings = await open({ source });
      const before = settings.current();
      set({ ...complete, ...broken });
      set({ ...complete, ...broken, again: 'yes' });
      assert.equal(settings.current(), before);
      assert.equal(lines.length, 1, lines.join(''));
      assert.match(lines.join(''), message);
    });
  stays('a list is not JSON', { 'requestheader-allowed-names': '["a"' }, /key requestheader-allowed-names is not JSON/);
  stays(
    'a list is something else',
    { 'requestheader-group-headers': '{"a":1}' },
    /requestheader-group-headers is not a JSON array/,
  );
  stays(
    'a name in a list is empty',
    { 'requestheader-extra-headers-prefix': '[""]' },
    /extra-headers-prefix is not a JSON array of names/,
  );
  stays('a CA is cut off', { 'client-ca-file': clients.slice(0, 200) }, /key client-ca-file is broken/);
  stays(
    'a CA is no certificate',
    { 'requestheader-client-ca-file': 'none' },
    /key requestheader-client-ca-file holds no certificate/,
  );

  test('follow one part when the other is malformed', async () => {
    const { source, set } = createSource(complete);
    const settings = await open({ source });
    set({ ...complete, 'client-ca-file': others, 'requestheader-allowed-names': '7' });
    assert.equal(settings.current().clientCa?.pem, others);
    assert.deepEqual(settings.current().requestHeader?.allowedNames, ['front-proxy-client']);
  });

  test('stay when it is deleted, and follow it when it is created again', async () => {
    const { source, set, remove } = createSource(complete);
    const settings = await open({ source });
    const before = settings.current();
    remove();
    assert.equal(settings.current(), before);
    assert.match(lines.join(''), /was deleted/);
    set({ ...complete, 'client-ca-file': others });
    assert.equal(settings.current().clientCa?.pem, others);
  });

  test('allow no front proxy without a CA, and any of its CA without allowed names', async () => {
    const { source, set } = createSource({ ...complete, 'requestheader-client-ca-file': '' });
    const settings = await open({ source });
    assert.equal(settings.current().requestHeader, undefined);
    set({ 'requestheader-client-ca-file': proxies });
    assert.deepEqual(settings.current().requestHeader?.allowedNames, []);
  });
});

describe('the settings of flags', () => {
  const files = async () => {
    const clientCaFile = path.join(folder, 'clients.crt');
    const proxyCaFile = path.join(folder, 'proxies.crt');
    await Promise.all([writeFile(clientCaFile, clients), writeFile(proxyCaFile, proxies)]);
    return { clientCaFile, requestHeader: { clientCaFile: proxyCaFile, allowedNames: ['flagged'], headers } };
  };

  test('are complete at once', async () => {
    const settings = await open({ source: createSource().source, ...(await files()) });
    assert.equal(settings.ready(), true);
    assert.equal(settings.current().clientCa?.pem, clients);
    assert.deepEqual(settings.current().requestHeader?.allowedNames, ['flagged']);
  });

  test('override one part of the ConfigMap', async () => {
    const { source, set } = createSource({ ...complete, 'client-ca-file': others });
    const settings = await open({ source, clientCaFile: (await files()).clientCaFile });
    assert.equal(settings.ready(), false);
    assert.equal(settings.current().clientCa?.pem, clients);
    set({ ...complete, 'requestheader-allowed-names': '["next"]' });
    assert.equal(settings.current().clientCa?.pem, clients);
    assert.deepEqual(settings.current().requestHeader?.allowedNames, ['next']);
  });

  test('are complete without a ConfigMap', async () => {
    assert.equal((await open({ source: undefined })).ready(), true);
  });

  test('follow their files, and keep the last good content of a broken one', async () => {
    const flags = await files();
    const settings = await open(flags);
    const changes: unknown[] = [];
    settings.onChange((changed) => changes.push(changed));
    await replace(flags.clientCaFile, 'garbage');
    await ticksUntil(() => lines.length > 0);
    assert.equal(settings.current().clientCa?.pem, clients);
    assert.match(lines.join(''), /clients\.crt holds no certificate/);
    await replace(flags.requestHeader.clientCaFile, others);
    await ticksUntil(() => settings.current().requestHeader?.ca.pem === others);
    assert.deepEqual(settings.current().requestHeader?.allowedNames, ['flagged']);

    await replace(flags.clientCaFile, others);
    await ticksUntil(() => settings.current().clientCa?.pem === others);
    assert.equal(lines.length, 1, lines.join(''));
    assert.equal(changes.length, 2);
  });

  test('have to name existing files', async () => {
    await assert.rejects(open({ clientCaFile: path.join(folder, 'none') }), /cannot read .*none; is it there/);
  });
});

/** Atomically. */
async function replace(file: string, content: string): Promise<void> {
  await writeFile(`${file}.next`, content);
  await rename(`${file}.next`, file);
}

/** Reading a file takes real time, so the fake clock advances until it is done. */
async function ticksUntil(condition: () => boolean): Promise<void> {
  for (const deadlineMs = performance.now() + 60_000; !condition(); ) {
    assert.ok(performance.now() < deadlineMs, `not after a minute: ${String(condition)}`);
    await clock.advance(60_000);
  }
}

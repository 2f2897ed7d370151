/** Commands that `npm start` prints to try, for each platform, with and without kubectl and curl. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import {
  commandsFor,
  type CommandPlace,
  excerptOf,
  findProgram,
  outputOf,
  shownPath,
  typed,
} from '../../standin/commands.ts';
import { curlConfig } from '../../standin/credentials.ts';
import { parseQuantity, type Reading } from '../../standin/reading.ts';

const pods = [
  { name: 'shop/web-1', node: 'node-1', restarts: 0, usage: undefined, reason: undefined },
  { name: 'jobs/leaky-0', node: 'node-1', restarts: 3, usage: undefined, reason: undefined },
];
const reading: Reading = {
  atMs: 0,
  nodes: [{ name: 'node-1', ready: true, cores: 1, memoryBytes: 1, usage: undefined, reason: undefined }],
  pods,
};
const unix: CommandPlace = {
  platform: 'linux',
  root: '/home/me/kubegauge',
  cwd: '/home/me/kubegauge',
  files: {
    adminKubeconfig: '/home/me/kubegauge/certs/admin.kubeconfig',
    curlConfig: '/home/me/kubegauge/certs/curl.conf',
    kubectlCache: '/home/me/kubegauge/certs/kubectl-cache',
  },
  serverUrl: 'https://127.0.0.1:14443',
  kubectl: '/usr/bin/kubectl',
  curl: '/usr/bin/curl',
};
const windowsFolder = 'C:\\Users\\Jo Doe\\kubegauge';
const windows: CommandPlace = {
  ...unix,
  platform: 'win32',
  root: windowsFolder,
  cwd: windowsFolder,
  files: {
    adminKubeconfig: `${windowsFolder}\\certs\\admin.kubeconfig`,
    curlConfig: `${windowsFolder}\\certs\\curl.conf`,
    kubectlCache: `${windowsFolder}\\certs\\kubectl-cache`,
  },
};
const typedOn = (place: CommandPlace): string[] => commandsFor(place, reading).map((command) => command.typed);
const podUrl = 'https://127.0.0.1:14443/apis/metrics.k8s.io/v1/namespaces/jobs/pods/leaky-0';

describe('commands to try', () => {
  for (const platform of ['linux', 'darwin'] as const) {
    test(`with kubectl and curl, on ${platform}`, () => {
      assert.deepEqual(typedOn({ ...unix, platform }), [
        'kubectl --kubeconfig=certs/admin.kubeconfig top nodes',
        'kubectl --kubeconfig=certs/admin.kubeconfig top pods -A --sort-by=cpu',
        `curl -K certs/curl.conf ${podUrl}`,
        'npm run -s serve -- doctor --kubeconfig=certs/admin.kubeconfig',
      ]);
    });
  }

  test('without kubectl, curl shows a node as well', () => {
    assert.deepEqual(typedOn({ ...unix, kubectl: undefined }).slice(0, 2), [
      'curl -K certs/curl.conf https://127.0.0.1:14443/apis/metrics.k8s.io/v1/nodes/node-1',
      `curl -K certs/curl.conf ${podUrl}`,
    ]);
  });

  test("without kubectl and curl, kubegauge's own command is left", () => {
    assert.deepEqual(typedOn({ ...unix, kubectl: undefined, curl: undefined }), [
      'npm run -s serve -- doctor --kubeconfig=certs/admin.kubeconfig',
    ]);
  });

  test('on Windows, programs have their whole names and paths backslashes', () => {
    assert.deepEqual(typedOn(windows), [
      'kubectl --kubeconfig=certs\\admin.kubeconfig top nodes',
      'kubectl --kubeconfig=certs\\admin.kubeconfig top pods -A --sort-by=cpu',
      `curl.exe -K certs\\curl.conf ${podUrl}`,
      'npm.cmd run -s serve -- doctor --kubeconfig=certs\\admin.kubeconfig',
    ]);
  });

  test('from a folder elsewhere, kubectl and curl get whole paths, quoted where they need it', () => {
    const [top = '', , curl = ''] = typedOn({ ...unix, cwd: '/home/me' });
    assert.equal(top, 'kubectl --kubeconfig=kubegauge/certs/admin.kubeconfig top nodes');
    assert.match(typedOn({ ...unix, cwd: '/srv' })[0] ?? '', /--kubeconfig=\/home\/me\/kubegauge\/certs\//);
    assert.match(curl, / kubegauge\/certs\/curl\.conf /);
    assert.equal(
      typedOn({ ...windows, cwd: 'D:\\' })[0],
      `kubectl "--kubeconfig=${windowsFolder}\\certs\\admin.kubeconfig" top nodes`,
    );
  });
});

describe('words and paths', () => {
  test('are quoted for sh, and for cmd and PowerShell', () => {
    assert.equal(typed(['a b', "it's", 'plain/path=1'], 'darwin'), `'a b' 'it'\\''s' plain/path=1`);
    assert.equal(typed(['C:\\a b', 'C:\\ab'], 'win32'), '"C:\\a b" C:\\ab');
  });

  test('are relative only below the folder', () => {
    assert.equal(shownPath('/a/b/c', '/a', 'linux'), 'b/c');
    assert.equal(shownPath('/a/..b/c', '/a', 'linux'), '..b/c');
    assert.equal(shownPath('/a/b', '/a/c', 'linux'), '/a/b');
    assert.equal(shownPath('D:\\b', 'C:\\a', 'win32'), 'D:\\b');
  });

  test("curl's file quotes as curl reads it, and asks Windows for no revocation list", () => {
    assert.equal(
      curlConfig('C:\\Jo Doe\\ca.crt', 'secret', 'win32'),
      'cacert = "C:\\\\Jo Doe\\\\ca.crt"\nheader = "Authorization: Bearer secret"\nsilent\nshow-error\nssl-no-revoke\n',
    );
    assert.doesNotMatch(curlConfig('/ca.crt', 'secret', 'linux'), /revoke/);
  });
});

describe('programs', { skip: process.platform === 'win32' && 'needs the mode of files' }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'programs-'));
  after(() => rmSync(folder, { recursive: true }));

  test('are found in the first folder of PATH where they can be run', () => {
    for (const [name, mode] of [
      ['one', 0o600],
      ['two', 0o700],
    ] as const) {
      mkdirSync(path.join(folder, name));
      writeFileSync(path.join(folder, name, 'kubectl'), '#!/bin/sh\necho out\necho err >&2\n');
      chmodSync(path.join(folder, name, 'kubectl'), mode);
    }
    const PATH = ['', '/nowhere', path.join(folder, 'one'), path.join(folder, 'two')].join(':');
    assert.equal(findProgram('kubectl', { PATH }, 'linux'), path.join(folder, 'two/kubectl'));
    assert.equal(findProgram('kubectl', { PATH: '' }, 'linux'), undefined);
    assert.equal(findProgram('kubectl', {}, 'darwin'), undefined);
  });

  test('print on both outputs; one that cannot run leaves a sentence', async () => {
    const { signal } = new AbortController();
    const run = (file: string) => outputOf({ typed: '', file, argv: [] }, signal);
    assert.deepEqual(await run(path.join(folder, 'two/kubectl')), ['out', 'err']);
    assert.match((await run(path.join(folder, 'one/kubectl'))).join(' '), /EACCES/);
  });
});

test('an excerpt begins with the answer, ends with it, and counts what is left out', () => {
  const output = [
    '{',
    ' "a": 1,',
    '  {',
    '   "reason": "Stale",',
    '',
    '     "message": "old" ',
    '   "b"',
    '   "c"',
    '  }',
    ' "d"',
  ];
  const found = (lines: number): string[] => excerptOf(output, { from: /"reason"/ }, lines);
  assert.deepEqual(found(3), ['"reason": "Stale",', '  "message": "old"', '... 2 more lines']);
  assert.deepEqual(found(4), ['"reason": "Stale",', '  "message": "old"', '"b"', '"c"']);
  assert.deepEqual(excerptOf(['a', 'b'], {}, 2), ['a', 'b']);
  assert.deepEqual(excerptOf(['a', 'b'], { from: /never/ }, 2), ['a', 'b']);
});

test('quantities are read in the forms in which usage and capacity are written', () => {
  assert.ok(Math.abs(parseQuantity('250000000n') - 0.25) < 1e-9);
  assert.equal(parseQuantity('250m'), 0.25);
  assert.equal(parseQuantity('4'), 4);
  assert.equal(parseQuantity('12Ki'), 12_288);
  assert.ok(Number.isNaN(parseQuantity('many')) && Number.isNaN(parseQuantity('1x')));
});

/** `kubegauge top` in a real terminal: keys, resize, no colours, a broken pipe, a slow API, and a user who may not list nodes. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { setUsedCluster } from '../fakes/usedcluster.ts';
import { kubeconfigFor } from '../fakes/wholecluster.ts';
import { openTmux, type TmuxOptions, type TmuxTerminal } from './tmux.ts';

const program = path.resolve(import.meta.dirname, '../../src/main.ts');
const folder = mkdtempSync(path.join(tmpdir(), 'kubegauge-top-'));
const kubeconfig = path.join(folder, 'kubeconfig');
let apiServer: FakeApiServer;

before(async () => {
  apiServer = await createFakeApiServer();
  writeFileSync(kubeconfig, kubeconfigFor(apiServer.url, apiServer.ca));
  setUsedCluster(apiServer);
});

beforeEach(() => {
  apiServer.faults.answer = undefined;
  apiServer.faults.delayMs = 0;
});

after(async () => {
  await apiServer[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const quoted = (word: string): string => `'${word}'`;

function top(args: string, options: Partial<TmuxOptions> = {}): TmuxTerminal {
  const command = `${[process.execPath, program].map(quoted).join(' ')} top ${args.replace('KUBECONFIG', `--kubeconfig=${quoted(kubeconfig)}`)}`;
  return openTmux(command, { columns: 120, rows: 24, ...options });
}

describe('kubegauge top in a terminal', () => {
  test('follows keys from nodes to pods to containers and back, sorts, filters, pauses, and ends', async () => {
    using terminal = top('KUBECONFIG');
    await terminal.shows(/\[1 Nodes\][\s\S]*node-a +1500m +9%/);
    terminal.press('Enter');
    await terminal.shows(/\[2 Pods\].*node node-a[\s\S]*web-0/);
    terminal.press('/');
    terminal.type('web-1');
    const filtered = await terminal.shows(/filter by text: web-1_/);
    assert.match(filtered, /shop +web-1/);
    assert.doesNotMatch(filtered, /shop +web-0/);
    terminal.press('Enter', 'Enter');
    await terminal.shows(/\[3 Containers\].*pod shop\/web-1[\s\S]*web-1 +app/);
    terminal.press('Escape');
    await terminal.shows(/\[2 Pods\][\s\S]*web-0/);
    terminal.press('w', 'Home');
    // The reason of the selected pod is whole in the line above the keys.
    await terminal.shows(/WHY\*[\s\S]*shop\/web-2: it runs on node node-a, whose usage is served/);
    terminal.press('p');
    await terminal.shows(/PAUSED/);
    terminal.press('?');
    await terminal.shows(/quit[\s\S]*at least 75 %/);
    terminal.press('x', '4');
    await terminal.shows(/\[4 HPAs\][\s\S]*web +Deployment\/web +cpu 75%\/50%/);
    terminal.press('q');
    await terminal.shows(/ended with 0/);
  });

  test('draws itself anew in another size, down to one that has no room', async () => {
    using terminal = top('pods KUBECONFIG');
    await terminal.shows(/NAMESPACE +POD +CPU\* .*STATE/);
    terminal.resize(60, 16);
    const narrow = await terminal.shows(/NAMESPACE +POD +CPU\*(?!.*STATE).*\n/);
    assert.ok(narrow.split('\n').every((line) => line.length <= 60));
    terminal.resize(12, 4);
    terminal.resize(140, 30);
    await terminal.shows(/NAMESPACE +POD +CPU\* .*STATE/);
    terminal.press('C-c');
    await terminal.shows(/ended with 0/);
  });

  test('is without colours where NO_COLOR says so, and marks what is full in characters, too', async () => {
    const styled = new RegExp(String.raw`\u001b\[[0-9;]*3[0-9]m`);
    using coloured = top('pods KUBECONFIG', { env: { TERM: 'xterm-256color' } });
    await coloured.shows(/web-0/);
    assert.match(coloured.screen(true), styled);
    using plain = top('pods KUBECONFIG', { env: { NO_COLOR: '1' } });
    const shown = await plain.shows(/web-0[\s\S]*95%!/);
    assert.match(shown, /web-0/);
    assert.doesNotMatch(plain.screen(true), styled);
    assert.match(shown, /^>shop +web-0/m);
    plain.press('Down');
    await plain.shows(/^ shop +web-0.*\n>/m);
  });

  test('shows control sequences of foreign text as characters', async () => {
    using terminal = top('pods KUBECONFIG');
    const shown = await terminal.shows(/hostile/);
    assert.match(shown, /\\x1b\]0;owned\\x07/);
  });

  test('ends quietly when the reader of its output has gone', async () => {
    using once = top('pods --once KUBECONFIG | head -1');
    const shown = await once.shows(/ended with 0/);
    assert.doesNotMatch(shown, /EPIPE|Error/);
    // Long before the next read.
    using watch = top('pods --watch --interval=1h KUBECONFIG | head -2');
    const watched = await watch.shows(/ended with 0/);
    assert.match(watched, /^TIME +NAMESPACE +POD/);
    assert.doesNotMatch(watched, /EPIPE|Error/);
  });
});

describe('the terminal is given back', () => {
  const shell = (line: string): TmuxTerminal => {
    const terminal = openTmux('bash --norc --noprofile', { columns: 120, rows: 24, env: { PS1: '$ ' } });
    terminal.type(line);
    terminal.press('Enter');
    return terminal;
  };
  const run = [process.execPath, program, 'top', `--kubeconfig=${kubeconfig}`].map(quoted).join(' ');

  test('by Ctrl-Z, also to a shell that waits for a program before us, such as npm', async () => {
    // As npm: a program that waits for the one that it has started.
    using terminal = shell(`sh -c ${quoted(`${run.replaceAll("'", '"')}; true`)}`);
    await terminal.shows(/node-a +1500m/);
    terminal.press('C-z');
    await terminal.shows(/Stopped/);
    terminal.type('fg');
    terminal.press('Enter');
    await terminal.shows(/node-a +1500m[\s\S]*q quit/);
    terminal.press('q');
    // What is typed before the program has ended is the program's.
    await terminal.shows(/^\S*[$#] *$/m);
    terminal.type('echo "answers $?"');
    terminal.press('Enter');
    await terminal.shows(/^answers 0$/m);
  });

  test('by Ctrl-Z, and taken again where there is no shell that could continue us', async () => {
    using terminal = top('KUBECONFIG');
    await terminal.shows(/node-a +1500m/);
    terminal.press('C-z', '2');
    await terminal.shows(/\[2 Pods\][\s\S]*web-0/);
    terminal.press('q');
    await terminal.shows(/ended with 0/);
  });

  test('by an exception, which can be read', async () => {
    const fixture = path.resolve(import.meta.dirname, 'failing.ts');
    using terminal = openTmux([process.execPath, fixture].map(quoted).join(' '), { columns: 120, rows: 24 });
    const shown = await terminal.shows(/ended with 1/);
    assert.match(shown, /Error: on purpose/);
    terminal.type('typed after the end');
    await terminal.shows(/typed after the end/);
  });

  test('by SIGTERM', async () => {
    using terminal = shell(`${run} & top=$!; fg`);
    await terminal.shows(/node-a +1500m/);
    terminal.press('C-z');
    await terminal.shows(/Stopped/);
    terminal.type('kill -TERM $top; fg; stty -a | grep -o "[-]*icanon"');
    terminal.press('Enter');
    await terminal.shows(/^icanon$/m);
  });
});

describe('kubegauge top of a cluster in trouble', () => {
  test('answers keys while kube-apiserver is slow, and says that it waits', async () => {
    using terminal = top('KUBECONFIG');
    await terminal.shows(/node-a +1500m/);
    apiServer.faults.delayMs = 600_000;
    terminal.press('2');
    await terminal.shows(/\[2 Pods\][\s\S]*reading/);
    await terminal.shows(/waiting for kube-apiserver for \d+s/);
    terminal.press('?');
    await terminal.shows(/at least 75 %/);
    terminal.press('x', 'q');
    await terminal.shows(/ended with 0/);
  });

  test('shows the usages of nodes without the right to list Nodes, and names the right', async () => {
    apiServer.faults.answer = ({ path: asked }) => (asked === '/api/v1/nodes' ? 403 : undefined);
    using terminal = top('KUBECONFIG');
    const shown = await terminal.shows(
      /! cannot list nodes: this user lacks the right to list nodes[\s\S]*node-a +1500m/,
    );
    assert.match(shown, /kubegauge top .* 1 node, usage/);
    assert.doesNotMatch(shown, /ready|READY/);
    terminal.press('q');
    await terminal.shows(/ended with 0/);
  });
});

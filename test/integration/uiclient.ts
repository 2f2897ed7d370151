/** A server of `kubegauge ui` on a given view, and a client that sends what no browser sends, too. */
import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { silentLogger, type Logger } from '../../src/logging.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { type Asset, toAsset } from '../../src/ui/assets.ts';
import { startUi, type Ui, type UiOptions } from '../../src/ui/ui.ts';
import { createFakeClusterView, type FakeClusterView, type FakeViewContent } from '../fakes/clusterview.ts';

export interface UiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends one request on a connection of its own. @param target path and query, as it is sent. */
export function send(
  port: number,
  target: string,
  headers: OutgoingHttpHeaders = {},
  method = 'GET',
): Promise<UiAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: target, method, headers, agent: false }, (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: body }),
        reject,
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

export interface TestUi extends AsyncDisposable {
  readonly ui: Ui;
  readonly view: FakeClusterView;
  readonly port: number;
  /** The path of the session. */
  readonly base: string;
  /** How links were used. */
  readonly uses: string[];
  /** Opens a new link, and returns the cookie. */
  open(): Promise<string>;
  /** @param path below the session's. */
  get(path: string, headers?: OutgoingHttpHeaders, method?: string): Promise<UiAnswer>;
}

export const testAssets: ReadonlyMap<string, Asset> = new Map([
  ['', toAsset('text/html; charset=utf-8', Buffer.from('<!doctype html><title>page</title>'))],
  ['main.js', toAsset('text/javascript; charset=utf-8', Buffer.from(`export const words = '${'word '.repeat(100)}';`))],
]);

export interface TestUiOptions {
  readonly content?: Partial<FakeViewContent>;
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly examine?: UiOptions['examine'];
}

/** Starts it on a free port, and opens a session for `get`. */
export async function startTestUi({
  content = {},
  clock = systemClock,
  log = silentLogger,
  examine = () => Promise.reject(new Error('no examination here')),
}: TestUiOptions = {}): Promise<TestUi> {
  const view = createFakeClusterView(() => clock.wallMs() + 5_000, content);
  const uses: string[] = [];
  const ui = await startUi({
    view,
    examine,
    context: 'test',
    port: 0,
    clock,
    log,
    assets: testAssets,
    onLinkUsed: (use) => void uses.push(use),
  });
  const { port: portText, pathname: base } = new URL(ui.newLink());
  const port = Number(portText);
  const open = async (): Promise<string> => {
    const { pathname, search } = new URL(ui.newLink());
    const { headers } = await send(port, pathname + search);
    return (headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
  };
  const cookie = await open();
  uses.length = 0;
  return {
    ui,
    view,
    port,
    base,
    uses,
    open,
    get: (path, headers = {}, method = 'GET') => send(port, base + path, { cookie, ...headers }, method),
    [Symbol.asyncDispose]: () => ui[Symbol.asyncDispose](),
  };
}

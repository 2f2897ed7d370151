/** Reads the files of the page once, at the start: a request finds a file by its whole path in a map, and reads nothing from the disk. */
import { createHash } from 'node:crypto';
import { globSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { pageFileLimit, pageLimitBytes } from './limits.ts';
import { vendorFiles } from './vendor.ts';

export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  /** Where it is smaller. */
  readonly gzipped: Buffer | undefined;
  readonly etag: string;
}

/** By extension; other files are not served. */
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/**
 * Returns the files by their paths below the session's, such as `main.js` and `vendor/preact.js`; `index.html` also as the empty path.
 * @param folder of the page: beside this file, in `src` and in `dist`. @throws Error for files that cannot be read, or too many.
 */
export function loadAssets(folder = path.join(import.meta.dirname, 'page')): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  let bytes = 0;
  const add = (name: string, file: string): void => {
    const type = types[path.extname(name)];
    if (type === undefined) return;
    bytes += statSync(file).size;
    if (bytes > pageLimitBytes || assets.size >= pageFileLimit)
      throw new Error(`the page has more than ${pageLimitBytes} bytes or ${pageFileLimit} files: ${folder}`);
    assets.set(name, toAsset(type, name.endsWith('.js') ? withVendorPaths(name, file) : readFileSync(file)));
  };
  const files = globSync('**/*', { cwd: folder, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const entry of files) {
    const file = path.join(entry.parentPath, entry.name);
    add(path.relative(folder, file).replaceAll(path.sep, '/'), file);
  }
  for (const [name, { file }] of Object.entries(vendorFiles)) add(`vendor/${name}`, packageFile(file));
  const index = assets.get('index.html');
  if (index === undefined)
    throw new Error(`the page is not there: ${path.join(folder, 'index.html')}; run npm run build`);
  return assets.set('', index);
}

export function toAsset(type: string, body: Buffer): Asset {
  const gzipped = gzipSync(body, { level: 9 });
  return { type, body, gzipped: gzipped.length < body.length ? gzipped : undefined, etag: etagOf(body) };
}

export function etagOf(body: Buffer | string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
}

/** Finds a file of a package by its folder: packages' `exports` do not name all files. */
function packageFile(file: string): string {
  const { resolve } = createRequire(import.meta.url);
  const name = file.slice(0, file.indexOf('/'));
  for (const folder of resolve.paths(name) ?? []) {
    const candidate = path.join(folder, file);
    if (statSync(candidate, { throwIfNoEntry: false })?.isFile() === true) return candidate;
  }
  throw new Error(`${file} is not installed; run npm ci`);
}

/** Writes paths for the names of packages, which browsers do not resolve; an import map would have to be inline. */
function withVendorPaths(name: string, file: string): Buffer {
  const up = '../'.repeat(name.split('/').length - 1) || './';
  const code = readFileSync(file, 'utf8').replaceAll(
    /(\b(?:from|import)\s*)(["'])([^"'./][^"']*)\2/g,
    (whole, keyword: string, quote: string, module: string) => {
      const found = Object.entries(vendorFiles).find(([, each]) => each.module === module);
      return found === undefined ? whole : `${keyword}${quote}${up}vendor/${found[0]}${quote}`;
    },
  );
  return Buffer.from(code);
}

/** Requests that were captured of the real adapter, where the captures are: each must have a case. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { CustomCase } from './case.ts';

const folder = path.resolve(import.meta.dirname, '../../../shared/fixtures/custom-metrics');

interface Capture {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
}

/** Returns the captures without a case; none where the captures are not. */
export function capturesWithoutCase(cases: readonly CustomCase[]): readonly string[] {
  const asked = new Set(cases.flatMap((stated) => ('question' in stated ? [keyOf(stated.question)] : [])));
  return ['custom', 'errors', 'external']
    .flatMap((file) => {
      const captured = path.join(folder, `${file}.json`);
      return existsSync(captured) ? (JSON.parse(readFileSync(captured, 'utf8')) as readonly Capture[]) : [];
    })
    .filter(({ request: { method, url, headers = {} } }) => {
      const key = keyOf({ method, path: url, headers: Object.entries(headers) });
      return url.startsWith('/apis/') && !url.startsWith('/apis/nothing.io/') && !asked.has(key);
    })
    .map(({ name }) => name);
}

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: readonly (readonly [string, string])[];
}

/** Equal for requests that differ in the encoding of the URL only. */
function keyOf({ method = 'GET', path: target, headers = [] }: Asked): string {
  const lines = headers.map(([name, value]) => `${name.toLowerCase()}: ${value}`);
  // A slash or an asterisk that was encoded is another path.
  const [before = '', query = ''] = target.split('?');
  return [method, `${before}?${decodeURIComponent(query)}`, ...lines].join('\n');
}

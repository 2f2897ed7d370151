/** The flags of metrics-server 0.9.0, read from its own `--help`, which testdata has unchanged but for blanks at the ends of lines. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

const help = path.resolve(import.meta.dirname, '../testdata/metrics-server-0.9.0-help.txt');

/** Returns each flag's default; a list without brackets, and undefined for Go's zero value, which the help leaves out. */
export function metricsServerFlags(): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (const line of readFileSync(help, 'utf8').split('\n')) {
    const [, name, rest = ''] = /^ {2,6}(?:-\w, )?--([a-z0-9-]+)(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const text = /\(default ("[^"]*"|\[[^\]]*\]|[^)]*)\)/.exec(rest)?.[1];
    found.set(name, text?.replaceAll(/^["[]|["\]]$/g, ''));
  }
  return found;
}

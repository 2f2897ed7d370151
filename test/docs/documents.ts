/** The repository's documents. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../..');

/** Every Markdown file, relative to the root. */
export const documents: readonly string[] = globSync(['**/*.md', '.github/*.md'], {
  cwd: root,
  exclude: (name) => ['node_modules', 'dist', '.git'].includes(name),
}).toSorted();

export function readDocument(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

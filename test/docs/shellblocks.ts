/**
 * The shell blocks of docs/. `sh` is run and has to succeed, `sh exit=<code>` has to end with that code,
 * `sh not-run: <reason>` is not run.
 */
import { documents, readDocument } from './documents.ts';
import { type FencedBlock, splitBlocks } from './markdown.ts';

export interface ShellBlock extends FencedBlock {
  readonly file: string;
}

/** Returns those of all pages directly in docs/, in their order. */
export function shellBlocks(): ShellBlock[] {
  return documents
    .filter((file) => /^docs\/[^/]+\.md$/.test(file))
    .flatMap((file) => splitBlocks(readDocument(file)).blocks.map((block) => ({ ...block, file })))
    .filter(({ language }) => language === 'sh');
}

/** Returns undefined for a block that is run. */
export function notRunReason(mark: string): string | undefined {
  return mark.startsWith('not-run') ? mark.replace(/^not-run:?\s*/, '') : undefined;
}

/** Returns the exit code that a block has to end with. @throws Error for an unknown mark. */
export function expectedExitCode({ file, line, mark }: ShellBlock): number {
  if (mark === '') return 0;
  const code = /^exit=(\d{1,3})$/.exec(mark)?.[1];
  if (code === undefined) throw new Error(`${file}:${line}: unknown mark ${mark}`);
  return Number(code);
}

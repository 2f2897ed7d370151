/**
 * The shell blocks of README and docs/. `sh` is run and has to succeed, `sh exit=<codes>` has to end with one of them,
 * `sh not-run: <reason>` is not run.
 */
import { documents, readDocument } from './documents.ts';
import { type FencedBlock, splitBlocks } from './markdown.ts';

export interface ShellBlock extends FencedBlock {
  readonly file: string;
}

/** Returns those of README and of all pages directly in docs/, in their order. */
export function shellBlocks(): ShellBlock[] {
  return documents
    .filter((file) => /^(?:README|docs\/[^/]+)\.md$/.test(file))
    .flatMap((file) => splitBlocks(readDocument(file)).blocks.map((block) => ({ ...block, file })))
    .filter(({ language }) => language === 'sh');
}

/** Returns undefined for a block that is run. */
export function notRunReason(mark: string): string | undefined {
  return mark.startsWith('not-run') ? mark.replace(/^not-run:?\s*/, '') : undefined;
}

/** Returns the exit codes, one of which a block has to end with. @throws Error for an unknown mark. */
export function expectedExitCodes({ file, line, mark }: ShellBlock): readonly number[] {
  if (mark === '') return [0];
  const codes = /^exit=(\d{1,3}(?:,\d{1,3})*)$/.exec(mark)?.[1];
  if (codes === undefined) throw new Error(`${file}:${line}: unknown mark ${mark}`);
  return codes.split(',').map(Number);
}

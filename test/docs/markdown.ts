/** Reads headings, links and fenced blocks of Markdown, as far as this repository's documents use it. */

export interface Link {
  readonly line: number;
  readonly target: string;
}

export interface FencedBlock {
  /** The line of the opening fence. */
  readonly line: number;
  /** The first word of the info string. */
  readonly language: string;
  /** The rest of it. */
  readonly mark: string;
  readonly text: string;
}

const fence = /^ {0,3}(`{3,}|~{3,})\s*(\S*)\s*(.*)$/;

/** Returns fenced blocks, and the lines outside of them; a line inside is empty there. */
export function splitBlocks(markdown: string): { blocks: FencedBlock[]; prose: string[] } {
  const blocks: FencedBlock[] = [];
  const prose: string[] = [];
  let open: { readonly end: string; readonly block: Omit<FencedBlock, 'text'>; readonly lines: string[] } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    const [, ticks, language = '', mark = ''] = fence.exec(line) ?? [];
    if (open !== undefined) {
      prose.push('');
      if (ticks?.startsWith(open.end) === true && language === '') {
        blocks.push({ ...open.block, text: `${open.lines.join('\n')}\n` });
        open = undefined;
      } else open.lines.push(line);
    } else if (ticks === undefined) prose.push(line);
    else {
      prose.push('');
      open = { end: ticks, block: { line: index + 1, language, mark: mark.trim() }, lines: [] };
    }
  }
  if (open !== undefined) throw new Error(`the fence of line ${open.block.line} has no end`);
  return { blocks, prose };
}

/** Returns the anchors of headings as GitHub makes them, and those of `<a id="...">`. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const line of splitBlocks(markdown).prose) {
    const heading = /^#{1,6} (.*?)(?: #*)?$/.exec(line)?.[1];
    if (heading !== undefined) {
      const slug = slugOf(heading);
      let anchor = slug;
      for (let repeat = 1; anchors.has(anchor); repeat += 1) anchor = `${slug}-${repeat}`;
      anchors.add(anchor);
    }
    for (const [, id = ''] of line.matchAll(/<a id="([^"]+)">/g)) anchors.add(id);
  }
  return anchors;
}

/** Returns the anchor of a heading's first use on a page. */
function slugOf(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

/** Returns links and images outside of code. */
export function linksOf(markdown: string): Link[] {
  return splitBlocks(markdown).prose.flatMap((line, index) =>
    [...line.replaceAll(/(`+)(?!`).*?[^`]\1(?!`)/g, '').matchAll(/\]\(([^()\s]+)(?:\s+"[^"]*")?\)/g)].map(
      ([, target = '']) => ({ line: index + 1, target }),
    ),
  );
}

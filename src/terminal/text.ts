/** Styled text in columns of a terminal. Text from outside is escaped here, so that no control sequence of a name reaches the terminal. */
import { styleText } from 'node:util';
import { escapeControls } from '../foreigntext.ts';

export type Tone = 'plain' | 'dim' | 'strong' | 'good' | 'warning' | 'bad' | 'selected' | 'title';

/** A piece of a line. Its meaning never depends on the tone alone. */
export interface Span {
  readonly text: string;
  readonly tone?: Tone;
}

const formats = {
  plain: [],
  dim: ['dim'],
  strong: ['bold'],
  good: ['green'],
  warning: ['yellow'],
  bad: ['red', 'bold'],
  selected: ['inverse'],
  title: ['bold', 'underline'],
} as const satisfies Readonly<Record<Tone, readonly Parameters<typeof styleText>[0][]>>;

/** Wide characters of East Asia and emoji take two columns; marks that combine take none. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;
const widthless = /[\p{Mn}\p{Me}\p{Cf}]/u;
const printableAscii = /^[\x20-\x7e]*$/;

/** Returns the columns that an escaped text takes. */
export function widthOf(text: string): number {
  if (printableAscii.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthless.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return width;
}

/** Escapes a text, and pads or cuts it to columns; what is cut ends in `~`. */
export function fit(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const safe = cut(escapeControls(text), columns);
  const padding = ' '.repeat(Math.max(0, columns - widthOf(safe)));
  return align === 'left' ? safe + padding : padding + safe;
}

function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const character of text) {
    const next = widthOf(character);
    if (width + next > columns - 1) break;
    kept += character;
    width += next;
  }
  return columns > 0 ? `${kept}~` : '';
}

/** Returns a line for the terminal, at most so many columns wide. @param isColoured otherwise tones are left out. */
export function paintSpans(spans: readonly Span[], columns: number, isColoured: boolean): string {
  let line = '';
  let left = columns;
  for (const { text, tone = 'plain' } of spans) {
    if (left <= 0) break;
    const safe = cut(escapeControls(text), left);
    left -= widthOf(safe);
    // The terminal was asked already; styleText would ask standard output.
    line += isColoured && tone !== 'plain' ? styleText([...formats[tone]], safe, { validateStream: false }) : safe;
  }
  return line;
}

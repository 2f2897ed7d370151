/** A terminal: keys, its size, and lines that are rewritten where they change. It is given back whatever ends us. */
import { emitKeypressEvents, type Interface as ReadLineInterface } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { paintSpans, type Span } from './text.ts';

export interface KeyPress {
  /** Such as `up`, `return`, `a`; undefined for characters without a name. */
  readonly name: string | undefined;
  /** As typed; undefined for keys without text. */
  readonly text: string | undefined;
  readonly ctrl: boolean;
  readonly shift: boolean;
}

/** What readline reports of a key. */
interface ReadlineKey extends Partial<KeyPress> {
  /** All that was read for it. */
  readonly sequence?: string;
  /** What follows Escape, for a key that sends more than that, such as an arrow. */
  readonly code?: string;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface Terminal extends Disposable {
  readonly size: TerminalSize;
  draw(lines: readonly (readonly Span[])[]): void;
}

export interface TerminalOptions {
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly onKey: (key: KeyPress) => void;
  /** Called when the size changed, or when we were suspended and go on. */
  readonly onRedraw: () => void;
}

/** The alternate screen, without a cursor, without wrapping at the end of a line. */
const enter = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const leave = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const toRow = (row: number): string => `\x1b[${row + 1};1H`;
const clearRow = '\x1b[K';
const clearAll = '\x1b[2J';
/** Milliseconds until it is clear that Ctrl-Z did not stop us. */
const resumeMs = 200;
/** Milliseconds until Escape is a key of its own, not the start of another key's sequence. readline waits 500, in which people press the next key. */
const escapeMs = 50;
/** Of a terminal that does not say how large it is. */
const assumedSize: TerminalSize = { columns: 80, rows: 24 };

export function openTerminal({ input, output, onKey, onRedraw }: TerminalOptions): Terminal {
  let drawn: readonly string[] | undefined;
  let isOpen = false;
  const isColoured = output.hasColors();
  emitKeys(input);
  const resize = (): void => {
    drawn = undefined;
    onRedraw();
  };
  let resuming: NodeJS.Timeout | undefined;
  const resume = (): void => {
    clearTimeout(resuming);
    // Also after a SIGSTOP, of which nothing was known: the shell has set the terminal to its own mode.
    close();
    open();
    resize();
  };
  open();
  input.on('keypress', keypress);
  output.on('resize', resize);
  process.on('SIGCONT', resume);
  const forgetEnd = beforeEnd(close);
  return {
    get size() {
      return sizeOf(output);
    },
    draw,
    [Symbol.dispose]() {
      clearTimeout(resuming);
      close();
      input.off('keypress', keypress);
      input.pause();
      output.off('resize', resize);
      process.off('SIGCONT', resume);
      forgetEnd();
    },
  };

  function open(): void {
    if (isOpen) return;
    isOpen = true;
    input.setRawMode(true);
    input.resume();
    output.write(enter);
  }

  function close(): void {
    if (!isOpen) return;
    isOpen = false;
    input.setRawMode(false);
    output.write(leave);
  }

  function keypress(text: string | undefined, key: Readonly<ReadlineKey>): void {
    withoutEscapes(text, key).forEach(press);
  }

  function press(key: KeyPress): void {
    // In raw mode the terminal sends no signal.
    if (key.ctrl && key.name === 'z' && process.platform !== 'win32') {
      close();
      // As the terminal would: npm, which may have started us, has to stop, too, or the shell waits for it.
      process.kill(0, 'SIGTSTP');
      // Without a shell that could continue us, the signal has no effect.
      resuming = setTimeout(resume, resumeMs);
      return;
    }
    onKey(key);
  }

  function draw(lines: readonly (readonly Span[])[]): void {
    // A slow terminal gets the newest lines later.
    if (!isOpen || output.writableNeedDrain) return;
    const { columns, rows } = sizeOf(output);
    const painted = lines.slice(0, rows).map((line) => paintSpans(line, columns, isColoured));
    const text = changesOf(painted, drawn);
    drawn = painted;
    if (text !== '') output.write(text);
  }
}

function emitKeys(input: ReadStream): void {
  // All that it reads of an interface.
  const settings: object = { escapeCodeTimeout: escapeMs };
  emitKeypressEvents(input, settings as ReadLineInterface);
}

/** Takes apart what readline reads as one key: Escape with the key that was pressed after it, which it also takes for Alt and that key. */
function withoutEscapes(
  text: string | undefined,
  { name, ctrl = false, shift = false, sequence = '', code }: Readonly<ReadlineKey>,
): readonly KeyPress[] {
  let escapes = 0;
  while (sequence[escapes] === '\x1b') escapes += 1;
  // The sequence of a key such as an arrow begins with one.
  const presses = Array.from({ length: code === undefined ? escapes : escapes - 1 }, () => escapeKey);
  if (name === 'escape') return presses;
  if (code !== undefined || escapes === 0) return [...presses, { name, text, ctrl, shift }];
  const typed = sequence.slice(escapes);
  // Such as Ctrl-C, which has no name behind Escape.
  const letter =
    name === undefined && typed < ' ' ? String.fromCharCode(typed.charCodeAt(0) + controlToLetter) : undefined;
  return [...presses, { name: letter ?? name, text: typed, ctrl: ctrl || letter !== undefined, shift }];
}

/** Ctrl-A is 1. */
const controlToLetter = 'a'.charCodeAt(0) - 1;

const escapeKey: KeyPress = { name: 'escape', text: undefined, ctrl: false, shift: false };

function sizeOf({ columns, rows }: WriteStream): TerminalSize {
  return { columns: columns || assumedSize.columns, rows: rows || assumedSize.rows };
}

/** Calls back before the process ends, also by an exception. Returns a function that forgets it. */
function beforeEnd(close: () => void): () => void {
  process.once('exit', close);
  // Before the exception is printed: what is on the alternate screen is lost.
  process.once('uncaughtExceptionMonitor', close);
  return () => void process.off('exit', close).off('uncaughtExceptionMonitor', close);
}

/** @param drawn undefined where nothing on the screen is known. */
function changesOf(painted: readonly string[], drawn: readonly string[] | undefined): string {
  let text = drawn === undefined ? clearAll : '';
  for (let row = 0; row < Math.max(painted.length, drawn?.length ?? 0); row += 1) {
    const line = painted[row] ?? '';
    if (drawn?.[row] !== line) text += toRow(row) + line + clearRow;
  }
  return text;
}

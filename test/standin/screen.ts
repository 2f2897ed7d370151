/** A terminal that is redrawn in place, and whether standard output is one: the alternate screen, without a cursor, given back whatever ends us. */
import { execFileSync } from 'node:child_process';
import type { WriteStream } from 'node:tty';
import { heightOf, type Line, paint } from './lines.ts';
import type { Size } from './view.ts';

export interface Screen extends Disposable {
  readonly size: Size;
  /** Rewrites the rows that changed. */
  draw(lines: readonly Line[]): void;
}

const enter = '\x1b[?1049h\x1b[?25l';
const leave = '\x1b[?25h\x1b[?1049l';
const clearRow = '\x1b[2K';
const clearBelow = '\x1b[J';
const toRow = (row: number): string => `\x1b[${row + 1};1H`;

/** A terminal that does not say how large it is. */
const assumedSize: Size = { columns: 80, rows: 24 };
/** After so many draws every row is written, since what the user types is echoed over it. */
const drawsUntilWhole = 10;

/** Reports whether the output may be redrawn in place. CI keeps the output of a terminal as a log. */
export function isLive(output: Pick<WriteStream, 'isTTY'>, env: NodeJS.ProcessEnv): boolean {
  return output.isTTY && env['TERM'] !== 'dumb' && !env['CI'] && isInForeground();
}

/** The shell has the terminal while we run in the background, as by `npm start &`. */
function isInForeground(): boolean {
  try {
    const printed = execFileSync('ps', ['-o', 'stat=', '-p', String(process.pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return printed.includes('+');
  } catch {
    // Windows, or no ps.
    return true;
  }
}

/** @param redraw called when the size changed, or when we were suspended and go on. */
export function openScreen(output: WriteStream, redraw: () => void): Screen {
  let drawn: readonly string[] = [];
  let draws = 0;
  let isOpen = false;
  const isColoured = output.hasColors();
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    output.write(leave);
  };
  const open = (): void => {
    isOpen = true;
    drawn = [];
    output.write(enter);
  };
  const resize = (): void => {
    drawn = [];
    redraw();
  };
  const suspend = (): void => {
    close();
    process.kill(process.pid, 'SIGSTOP');
  };
  const resume = (): void => {
    if (!isInForeground()) return;
    open();
    redraw();
  };
  open();
  output.on('resize', resize);
  // Also after an exception.
  process.once('exit', close);
  const suspends = process.platform !== 'win32';
  if (suspends) process.on('SIGTSTP', suspend).on('SIGCONT', resume);
  return {
    get size() {
      return sizeNow();
    },
    draw,
    [Symbol.dispose]() {
      close();
      output.off('resize', resize);
      process.off('exit', close);
      if (suspends) process.off('SIGTSTP', suspend).off('SIGCONT', resume);
    },
  };

  function sizeNow(): Size {
    return { columns: output.columns || assumedSize.columns, rows: output.rows || assumedSize.rows };
  }

  function draw(lines: readonly Line[]): void {
    // A terminal that is slow or held by Ctrl-S gets the newest later.
    if (!isOpen || output.writableNeedDrain) return;
    const { columns, rows: height } = sizeNow();
    const rows = lines.flatMap((each) => {
      const painted = paint(each, columns - 1, isColoured);
      return [painted, ...Array.from({ length: heightOf(each, columns) - 1 }, () => continued)];
    });
    const isWhole = draws % drawsUntilWhole === 0;
    draws += 1;
    let text = '';
    rows.forEach((row, index) => {
      if (row === continued || (!isWhole && index > 0 && drawn[index] === row)) return;
      text += toRow(index) + clearRow;
      for (let next = index + 1; rows[next] === continued; next += 1) text += toRow(next) + clearRow;
      text += toRow(index) + row;
    });
    if (rows.length < height && (rows.length < drawn.length || drawn.length === 0))
      text += toRow(rows.length) + clearBelow;
    drawn = rows;
    // Typed characters land in the row that is written anyway.
    output.write(text + toRow(0));
  }
}

/** Marks a row that the terminal fills by wrapping the one above. */
const continued = '\0';

/** Shows the view: a terminal is redrawn in place; a pipe, a file or CI get the tables once and then a line for each change. */
import { openScreen } from './screen.ts';
import { type Line, paint } from './lines.ts';
import { type Event, eventText, headLines, nodeLines, podLines, screenLines, type View } from './view.ts';

export interface Presenter extends Disposable {
  /** Whether it shows more than the first outputs of commands. */
  readonly isLive: boolean;
  /** @param news events that were not shown before; the view has them, too. */
  show(view: View, news: readonly Event[]): void;
}

export function createLivePresenter(output: NodeJS.WriteStream & { fd: 1 }): Presenter {
  let latest: View | undefined;
  const redraw = (): void => {
    if (latest !== undefined) screen.draw(screenLines({ ...latest, nowMs: Date.now() }, screen.size));
  };
  const screen = openScreen(output, redraw);
  return {
    isLive: true,
    show(view) {
      latest = view;
      redraw();
    },
    [Symbol.dispose]: () => screen[Symbol.dispose](),
  };
}

/** Rows of the two tables. */
const nodeRows = 40;
const podRows = 20;
const unlimited = Number.POSITIVE_INFINITY;

/** @param write gets whole lines. */
export function createPlainPresenter(write: (text: string) => void): Presenter {
  let isStarted = false;
  let isWhole = false;
  const writeLines = (lines: readonly Line[]): void =>
    write(lines.map((each) => `${paint(each, unlimited, false)}\n`).join(''));
  return { isLive: false, show, [Symbol.dispose]: () => undefined };

  function show(view: View, news: readonly Event[]): void {
    if (!isStarted) {
      isStarted = true;
      writeLines(headLines(view, unlimited));
      write('waiting for the first usage: two samples of each container, about 15 s apart\n\n');
    }
    write(news.map((event) => `${eventText(event)}\n`).join(''));
    const { reading, tried } = view;
    if (isWhole || reading === undefined || tried.length === 0) return;
    isWhole = true;
    const tables = [nodeLines, podLines].map((linesOf, index) =>
      linesOf(reading, view.nowMs, unlimited, index === 0 ? nodeRows : podRows),
    );
    for (const lines of tables) {
      write('\n');
      writeLines(lines);
    }
    write('\nTry, in another terminal:\n');
    for (const { typed, excerpt } of tried) write(`\n$ ${typed}\n${excerpt.map((each) => `  ${each}\n`).join('')}`);
    write('\nA line for each change follows. Ctrl-C stops everything.\n');
  }
}

/** `kubegauge top` in a terminal: reads what is shown, and draws it again when it changes or a key is pressed. */
import type { ReadStream, WriteStream } from 'node:tty';
import { type KeyPress, openTerminal, type Terminal } from '../terminal/terminal.ts';
import type { ClusterSummaryView, ClusterView } from '../view/types.ts';
import { part } from '../view/part.ts';
import { ViewError } from '../view/viewerror.ts';
import { drawFrame, rowsInSight } from './frame.ts';
import { type Loaded, loadRows, type OnPage } from './loader.ts';
import type { Row } from './rows.ts';
import { narrowToNamespace, press, selectRows, type TopState } from './state.ts';
import { createTrends, type Trends } from './trends.ts';

export interface SessionOptions {
  readonly view: ClusterView;
  /** Resolves when the view has what all pods request, which its first answers may lack. */
  readonly requestsRead?: Promise<void>;
  readonly url: string;
  readonly initial: TopState;
  readonly input: ReadStream;
  readonly output: WriteStream;
  /** Milliseconds between reads. */
  readonly intervalMs: number;
  readonly isUnicode: boolean;
  readonly signal: AbortSignal;
}

/** Milliseconds between looks at ages and waits. */
const tickMs = 1_000;
/** Ticks between redraws of ages: they are shown in seconds, and a redraw costs CPU. */
const ticksPerAge = 5;
/** Reads at a time: those of screens that were left go on to the end of their page. */
const mostReads = 4;

/** Runs until the user quits, the signal aborts, or the terminal is gone. */
export async function runSession(options: SessionOptions): Promise<void> {
  await new Session(options).run();
}

class Session {
  readonly #options: SessionOptions;
  readonly #trends: Trends;
  readonly #ended = Promise.withResolvers<void>();
  readonly #terminal: Terminal;
  #state: TopState;
  #summary: ClusterSummaryView | undefined;
  #loaded: Loaded | undefined;
  #problem: string | undefined;
  #tableHeight = 1;
  #ticks = 0;
  /** The read that counts: one that was begun for another screen is dropped. */
  #current = 0;
  #running = 0;
  /** The latest read begins when another one ends. */
  #isQueued = false;
  #isReadingTrends = false;
  #areTrendsDue = false;
  #trendsStop = new AbortController();
  #waitingSinceMs: number | undefined;
  #nextReadMs = 0;

  constructor(options: SessionOptions) {
    const { view, initial, input, output } = options;
    this.#options = options;
    this.#state = initial;
    this.#trends = createTrends(view);
    this.#terminal = openTerminal({ input, output, onRedraw: () => this.#draw(), onKey: (key) => this.#onKey(key) });
  }

  async run(): Promise<void> {
    const { input, output, signal } = this.#options;
    const finish = (): void => this.#ended.resolve();
    using _terminal = this.#terminal;
    const timer = setInterval(() => this.#tick(), tickMs);
    signal.addEventListener('abort', finish, { once: true });
    input.once('end', finish);
    output.once('error', finish);
    this.#refresh();
    this.#draw();
    void this.#options.requestsRead
      ?.then(() => this.#showRequests())
      .catch((error: unknown) => this.#ended.reject(error));
    try {
      await this.#ended.promise;
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', finish);
      this.#trendsStop.abort();
    }
  }

  #onKey(key: KeyPress): void {
    const before = this.#state;
    const { state, effect } = press(before, key, { rows: this.#visible() ?? [], height: this.#tableHeight });
    this.#state = state;
    if (isOtherScope(before, state)) {
      this.#loaded = undefined;
      this.#problem = undefined;
    }
    if (effect === 'quit') this.#ended.resolve();
    if (effect === 'refresh') this.#refresh();
    this.#draw();
    this.#readTrends();
  }

  #tick(): void {
    this.#ticks += 1;
    const isDue = performance.now() >= this.#nextReadMs;
    if (!this.#state.isPaused && this.#waitingSinceMs === undefined && isDue) this.#refresh();
    if (this.#waitingSinceMs !== undefined || this.#ticks % ticksPerAge === 0) this.#draw();
  }

  /** Draws the header again, and nodes, whose reads are shared with it; other rows have no sums of all pods. */
  async #showRequests(): Promise<void> {
    if (this.#summary === undefined || this.#summary.cpu.requested !== undefined || this.#state.isPaused) return;
    if (this.#state.screen === 'nodes') {
      this.#refresh();
      return;
    }
    const { value } = await part(this.#options.view.summary());
    if (value === undefined) return;
    this.#summary = value;
    this.#draw();
  }

  #refresh(): void {
    this.#current += 1;
    this.#waitingSinceMs = performance.now();
    this.#isQueued = this.#running >= mostReads;
    if (!this.#isQueued) void this.#readLatest();
  }

  /** Reads, and again if another read was wanted meanwhile: keys may come faster than answers. */
  async #readLatest(): Promise<void> {
    this.#running += 1;
    try {
      do {
        this.#isQueued = false;
        await this.#read(this.#current);
      } while (this.#isQueued);
    } catch (error) {
      this.#ended.reject(error);
    } finally {
      this.#running -= 1;
    }
  }

  /** Reads header and rows side by side, and draws each as it comes. @param own the number of the read. */
  async #read(own: number): Promise<void> {
    const { view, intervalMs } = this.#options;
    const take = (part: Loaded): boolean => {
      if (own !== this.#current) return false;
      this.#loaded = part;
      this.#trends.add(part.rows);
      this.#draw();
      return true;
    };
    const header = async (): Promise<void> => {
      this.#summary = await view.summary();
      this.#draw();
    };
    // A part never replaces the whole list of before.
    const takePart = this.#loaded === undefined ? take : () => own === this.#current;
    const rows = async (): Promise<void> => void take(await this.#load(own, takePart));
    const failures = await Promise.all([header(), rows()].map(failureOf));
    if (own !== this.#current) return;
    this.#waitingSinceMs = undefined;
    this.#nextReadMs = performance.now() + intervalMs;
    this.#problem = failures.filter((text) => text !== undefined).join('; ') || undefined;
    this.#draw();
    this.#readTrends();
  }

  /** Reads the rows. Pods of a node are those of the namespace if the user may not list those of all. */
  async #load(own: number, onPage: OnPage): Promise<Loaded> {
    const { view } = this.#options;
    try {
      return await loadRows(view, this.#state, onPage);
    } catch (error) {
      const isForbidden = error instanceof ViewError && error.status === 403;
      const narrowed = isForbidden && own === this.#current ? narrowToNamespace(this.#state) : undefined;
      if (narrowed === undefined) throw error;
      this.#state = narrowed;
      this.#loaded = undefined;
      return loadRows(view, narrowed, onPage);
    }
  }

  /** Reads the past of rows in sight. What has not begun of rows that were in sight before is left out. */
  #readTrends(): void {
    this.#areTrendsDue = true;
    this.#trendsStop.abort();
    if (!this.#isReadingTrends) void this.#readDueTrends();
  }

  async #readDueTrends(): Promise<void> {
    this.#isReadingTrends = true;
    while (this.#areTrendsDue) {
      this.#areTrendsDue = false;
      this.#trendsStop = new AbortController();
      const rows = rowsInSight(this.#visible() ?? [], this.#state.selected, this.#tableHeight);
      if ((await this.#trends.readPast(rows, this.#trendsStop.signal)) > 0) this.#draw();
    }
    this.#isReadingTrends = false;
  }

  #visible(): readonly Row[] | undefined {
    return this.#loaded && selectRows(this.#loaded.rows, this.#state);
  }

  #draw(): void {
    const { url, isUnicode } = this.#options;
    const since = this.#waitingSinceMs;
    const { lines, tableHeight } = drawFrame(
      {
        state: this.#state,
        summary: this.#summary,
        rows: this.#visible(),
        note: this.#loaded?.note,
        problem: this.#problem,
        waitingSeconds: since === undefined ? undefined : (performance.now() - since) / 1000,
        context: {
          nowMs: this.#options.view.nowMs(),
          trendOf: this.#trends.bars(isUnicode),
        },
        url,
      },
      this.#terminal.size,
    );
    this.#tableHeight = tableHeight;
    this.#terminal.draw(lines);
  }
}

/** Reports whether other rows are wanted: those of before would be shown as what they are not. */
function isOtherScope(before: TopState, now: TopState): boolean {
  return scopeKeys.some((key) => before[key] !== now[key]);
}

const scopeKeys = [
  'screen',
  'namespace',
  'node',
  'isWholeNode',
  'labelSelector',
  'workload',
  'pod',
] as const satisfies readonly (keyof TopState)[];

/** Returns the sentence of a read that failed. @throws anything but a ViewError. */
async function failureOf(read: Promise<void>): Promise<string | undefined> {
  const { problem } = await part(read);
  return problem;
}

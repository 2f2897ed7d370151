/** Decodes one kubelet endpoint's bodies into batches. */
import { column, columns, type NodeBatch, toBatch } from '../sample/batch.ts';
import { SeriesMatcher } from '../exposition/seriesmatcher.ts';
import { BodyDecoding, type DecodeResult, type Decoding, type EndedBody } from './bodydecoding.ts';
import { type Format, formatOf, openReader } from './contenttype.ts';
import type { Collector, Doubts, Dialect } from './dialect.ts';
import { copyNumbers, type Template, templateOf } from './fastpath.ts';
import { checkCount, containerLimit, longFromRows, rowsPerStep } from './limits.ts';
import { createRowNumbersPool, type RowNumbersPool } from './rownumbers.ts';
import type { AnswerTime } from './sampletime.ts';
import type { Steps } from './steps.ts';

/** Decodes the bodies of one endpoint of one node, each by what the previous one has left. */
export interface Decoder {
  /** Whether the next request may leave out constants, after bodies by the fast path. */
  readonly settled: boolean;
  /**
   * Starts a body and drops an unfinished one. Returns undefined for an unknown content type.
   * @param brief whether the request left out constants: the body is read up to the families that change.
   * @param skipped families that were requested for another reader of the body.
   */
  begin(contentType: string, brief?: boolean, skipped?: readonly string[]): Decoding | undefined;
}

export interface DecoderOptions {
  /** False takes the slow path only, to rule out a bug in the fast path. Default: true. */
  readonly fastPath?: boolean;
  /** Default: its own. */
  readonly pool?: RowNumbersPool;
}

/** Fast-path bodies before constants are left out: changes come in groups, and a too brief request is repeated. */
const settledAfter = 3;

/** Returns the decoder of one node's endpoint. */
export function createDecoder<Row, Carried>(
  dialect: Dialect<Row, Carried>,
  node: string,
  { fastPath = true, pool = createRowNumbersPool() }: DecoderOptions = {},
): Decoder {
  return new NodeDecoder(dialect, node, fastPath, pool);
}

interface DecoderState<Row> {
  readonly matcher: SeriesMatcher;
  readonly rows: Row[];
  readonly last:
    | {
        readonly layout: NodeBatch['layout'];
        readonly numbers: NodeBatch['numbers'];
        readonly hasSwap: NodeBatch['hasSwap'];
        readonly doubts: Doubts | undefined;
        /** Undefined: slow path next. */
        readonly template: Template | undefined;
      }
    | undefined;
}

class NodeDecoder<Row, Carried> implements Decoder {
  readonly #dialect: Dialect<Row, Carried>;
  readonly #node: string;
  readonly #fastPath: boolean;
  readonly #pool: RowNumbersPool;
  /** Survives a broken body. */
  #carried: Carried | undefined;
  /** Undefined while a body arrives, so a broken one leaves no half-read state. */
  #state: DecoderState<Row> | undefined;
  #calm = 0;
  #contentType = '';
  #format: Format = 'unknown';

  constructor(dialect: Dialect<Row, Carried>, node: string, fastPath: boolean, pool: RowNumbersPool) {
    this.#dialect = dialect;
    this.#node = node;
    this.#fastPath = fastPath;
    this.#pool = pool;
  }

  get settled(): boolean {
    return this.#calm >= settledAfter;
  }

  begin(contentType: string, brief = false, skipped?: readonly string[]): Decoding | undefined {
    const calm = this.#calm;
    this.#calm = 0;
    const before = this.#takeState();
    const format = this.#formatOf(contentType);
    if (format === 'unknown') return undefined;
    const { families, moving } = this.#dialect;
    const collector = this.#dialect.collect(before.rows, this.#pool.take(before.rows.length));
    const enough = brief ? moving.filter((family) => before.matcher.hasSamplesOf(family)) : undefined;
    const reader = openReader(format, families, collector, {
      matcher: before.matcher,
      until: enough,
      fastPath: this.#fastPath,
      skipped,
    });
    return new BodyDecoding(reader, before.rows.length > longFromRows, {
      fast: (ended) => {
        const decoded = this.#takeFastPath(before, collector, brief, ended);
        if (decoded !== undefined) this.#calm = calm + 1;
        return decoded ?? (brief ? this.#giveUpFastPath(before) : undefined);
      },
      slow: (filtered, time) => this.#takeSlowPath(before, collector, filtered, time),
      release: () => this.#pool.giveBack(collector.numbers),
    });
  }

  #takeState(): DecoderState<Row> {
    const { identity, families } = this.#dialect;
    const state = this.#state;
    this.#state = undefined;
    return state ?? { matcher: new SeriesMatcher(identity, families.length), rows: [], last: undefined };
  }

  /** A kubelet uses one or two content types. */
  #formatOf(contentType: string): Format {
    if (contentType !== this.#contentType) {
      this.#contentType = contentType;
      this.#format = formatOf(contentType);
    }
    return this.#format;
  }

  /**
   * Fast path: copies the numbers if the rows are the previous body's; see fastpath.ts. Returns undefined to fall back.
   */
  #takeFastPath(
    before: DecoderState<Row>,
    collector: Collector<Carried>,
    brief: boolean,
    { filtered, isWhole, time }: EndedBody,
  ): DecodeResult | undefined {
    const { matcher, last } = before;
    if (!this.#fastPath || last?.template === undefined || matcher.changed || !collector.isPlain) return undefined;
    const numbers = copyNumbers(last.template, collector.numbers, time, last.numbers, brief);
    if (numbers === undefined) return undefined;
    const hasSwap = swapOf(collector, numbers) ?? (isWhole ? undefined : last.hasSwap);
    const isSame = numbers === last.numbers && hasSwap === last.hasSwap;
    this.#state = isSame ? before : { ...before, last: { ...last, numbers, hasSwap } };
    const batch = { node: this.#node, source: this.#dialect.source, hasSwap, layout: last.layout, numbers };
    return { kind: 'batch', batch, filtered, doubts: last.doubts };
  }

  /** The next body takes the slow path: its series may match this one, of which nothing was chosen. */
  #giveUpFastPath(before: DecoderState<Row>): DecodeResult {
    this.#state = { ...before, last: before.last && { ...before.last, template: undefined } };
    return { kind: 'too-brief', reason: 'there is more to say than newer numbers' };
  }

  /** Slow path: chooses among all rows. */
  *#takeSlowPath(
    before: DecoderState<Row>,
    collector: Collector<Carried>,
    filtered: boolean,
    time: AnswerTime,
  ): Steps<DecodeResult> {
    const { matcher, rows, last } = before;
    const choice = yield* collector.choose(time, this.#carried);
    if (choice.kind === 'unusable') return choice;
    this.#carried = choice.carried;
    const { machine, pods, doubts } = choice;
    const containers = pods.reduce((count, pod) => count + pod.containers.length, 0);
    checkCount(containers, containerLimit, 'containers');
    const { source, oldestMs } = this.#dialect;
    const points = { node: this.#node, source, hasSwap: collector.hasSwap, machine, pods };
    const batch = toBatch(points, last?.layout);
    const isLong = rows.length > longFromRows;
    if (isLong) yield;
    const hasForgotten = forget(before, choice.seen);
    for (let row = 0; row < rows.length; row += 1) {
      if (row % rowsPerStep === rowsPerStep - 1 && isLong) yield;
      rows[row] = this.#dialect.kept(rows[row]!, rows[row - 1]);
    }
    const isMatchable = matcher.complete && collector.isPlain && !hasForgotten;
    const template = isMatchable ? templateOf(choice, batch.layout, collector.numbers, oldestMs) : undefined;
    const hasSwap = swapOf(collector, batch.numbers);
    const { layout, numbers } = batch;
    this.#state = { matcher, rows, last: { layout, numbers, hasSwap, doubts, template } };
    return { kind: 'batch', batch: { ...batch, hasSwap }, filtered, doubts };
  }
}

function forget<Row>({ rows, matcher }: DecoderState<Row>, seen: readonly number[]): boolean {
  if (seen.length === rows.length) return false;
  matcher.renumber(seen);
  // Ascending: no row is overwritten before it is read.
  for (let row = 0; row < seen.length; row += 1) rows[row] = rows[seen[row]!]!;
  rows.length = seen.length;
  return true;
}

/**
 * Undefined if unknown. Swap in use proves it, even if cAdvisor, which reads the machine every five minutes, reports
 * none.
 */
function swapOf({ hasSwap }: Pick<Collector<unknown>, 'hasSwap'>, numbers: Float64Array): boolean | undefined {
  if (hasSwap === true) return true;
  for (let at = column.swapBytes; at < numbers.length; at += columns) if (numbers[at]! > 0) return true;
  return hasSwap;
}

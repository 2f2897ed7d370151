/** Turns one answer of a kubelet into the batch of its node while it comes, or says why the answer is of no use. */
import { column, columns, type NodeBatch, toBatch } from '../sample/batch.ts';
import { DelimitedReader } from '../exposition/protobufreader.ts';
import { Recall } from '../exposition/seriesmatcher.ts';
import { ExpositionError, type SampleSink } from '../exposition/sample.ts';
import { TextReader } from '../exposition/textreader.ts';
import { runAtOnce, type Steps } from './steps.ts';
import { AnswerTooLongError, checkCount, containerLimit, longFromRows, rowsPerStep } from './limits.ts';
import type { Collector, Doubts, Meaning } from './dialect.ts';
import { giveBackRowNumbers } from './rownumbers.ts';
import type { AnswerTime } from './sampletime.ts';
import { type Steady, steadyNumbers, steadyOf } from './fastpath.ts';

export type Decoded =
  | {
      readonly kind: 'batch';
      readonly batch: NodeBatch;
      /** False if the kubelet also sent families that were not asked for: it does not know name[]. */
      readonly filtered: boolean;
      /** What may be missing; undefined of /metrics/resource, which knows all that the runtime knows. */
      readonly doubts: Doubts | undefined;
    }
  | {
      /**
       * - unusable: this endpoint of this kubelet will not do, another may;
       * - too-long: the answer holds more than any node has;
       * - malformed: the answer is broken; the next one may be whole;
       * - too-brief: the question has left out what does not change, and that is needed after all.
       */
      readonly kind: 'unusable' | 'too-long' | 'malformed' | 'too-brief';
      /** Short, for humans. */
      readonly reason: string;
    };

/** Decodes the answers of one endpoint of one node, one after the other: each is read by what the last one has left. */
export interface Decoder {
  /** Whether the last few answers told of the same things, and nothing remarkable: then the next question may leave out what does not change. */
  readonly settled: boolean;
  /**
   * Undefined where nobody can read the content type. What was begun before and is not finished is forgotten.
   * @param brief whether the question has left that out; where the sender knows no such question, all that follows what changes is not read.
   */
  begin(contentType: string, brief?: boolean): Decoding | undefined;
}

/** A node on which something has changed is asked for everything so many times: what changed mostly goes on, and a question that is too brief is asked twice. */
const settledAfter = 3;

/** One body on its way in. */
export interface Decoding {
  /** Takes the next piece, whose memory is not needed any more when this returns; returns whether it needs another one. */
  write(chunk: Buffer): boolean;
  /** To be called when the body has ended. */
  finish(time: AnswerTime): Decoded;
  /** Whether `finish` may take longer than others should wait. */
  readonly isLong: boolean;
  /** The same as `finish`, in steps. */
  finishing(time: AnswerTime): Steps<Decoded>;
}

export function createDecoder<Row, Carried>(meaning: Meaning<Row, Carried>, node: string): Decoder {
  const { families, identity, source, moving } = meaning;
  /** Survives a broken answer. */
  let carried: Carried | undefined;
  let memory: Memory<Row> | undefined;
  /** How many of the last answers have taken the short cut. */
  let calm = 0;
  return {
    begin,
    get settled() {
      return calm >= settledAfter;
    },
  };

  function begin(contentType: string, brief = false): Decoding | undefined {
    const calmBefore = calm;
    calm = 0;
    const before = memory ?? { recall: new Recall(identity, families.length), rows: [], last: undefined };
    memory = undefined;
    const collector = meaning.collect(before.rows);
    const enough = brief ? moving.filter((family) => before.recall.remembers(family)) : undefined;
    const reader = openReader(contentType, families, collector, before.recall, enough);
    if (reader === undefined) return undefined;
    const body = reader;
    let broken: Decoded | undefined;
    let filtered = false;
    return {
      write(chunk) {
        try {
          body.write(chunk);
        } catch (error) {
          broken = refusal(error);
        }
        return broken === undefined && !body.hasEnough;
      },
      get isLong() {
        return before.rows.length > longFromRows;
      },
      finish: (time) => end(time) ?? runAtOnce(choosing(time)),
      *finishing(time) {
        return end(time) ?? (yield* choosing(time));
      },
    };

    /** Undefined where there is something to choose. */
    function end(time: AnswerTime): Decoded | undefined {
      let decoded = broken;
      try {
        decoded ??= endUnbroken(time);
      } catch (error) {
        decoded = refusal(error);
      }
      if (decoded !== undefined) giveBackRowNumbers(collector.numbers);
      return decoded;
    }

    function endUnbroken(time: AnswerTime): Decoded | undefined {
      filtered = !body.end().unwanted;
      const shortCut = takeShortCut(before, collector, { filtered, time, brief, isWhole: !body.hasEnough });
      if (shortCut !== undefined) calm = calmBefore + 1;
      return shortCut ?? (brief ? giveUpShortCut(before) : undefined);
    }

    function* choosing(time: AnswerTime): Steps<Decoded> {
      try {
        return yield* choose(before, collector, filtered, time);
      } catch (error) {
        return refusal(error);
      } finally {
        giveBackRowNumbers(collector.numbers);
      }
    }
  }

  /** Undefined where there is more to say than newer numbers. */
  function takeShortCut(
    before: Memory<Row>,
    collector: Collector<Carried>,
    { filtered, time, brief, isWhole }: Ended,
  ): Decoded | undefined {
    const { recall, last } = before;
    if (last?.steady === undefined || recall.changed || !collector.isPlain) return undefined;
    const numbers = steadyNumbers(last.steady, collector.numbers, time, last.numbers, brief);
    if (numbers === undefined) return undefined;
    const hasSwap = swapOf(collector, numbers) ?? (isWhole ? undefined : last.hasSwap);
    const isSame = numbers === last.numbers && hasSwap === last.hasSwap;
    memory = isSame ? before : { ...before, last: { ...last, numbers, hasSwap } };
    const batch = { node, source, hasSwap, layout: last.layout, numbers };
    return { kind: 'batch', batch, filtered, doubts: last.doubts };
  }

  /** What is recognised from now on may be of this answer, which nothing was chosen of: the next one is to be looked at whole. */
  function giveUpShortCut(before: Memory<Row>): Decoded {
    memory = { ...before, last: before.last && { ...before.last, steady: undefined } };
    return { kind: 'too-brief', reason: 'there is more to say than newer numbers' };
  }

  function* choose(
    before: Memory<Row>,
    collector: Collector<Carried>,
    filtered: boolean,
    time: AnswerTime,
  ): Steps<Decoded> {
    const { recall, last } = before;
    const choice = yield* collector.choose(time, carried);
    if (choice.kind === 'unusable') return choice;
    carried = choice.carried;
    const { machine, pods, doubts } = choice;
    const containers = pods.reduce((count, pod) => count + pod.containers.length, 0);
    checkCount(containers, containerLimit, 'containers');
    const points = { node, source, hasSwap: collector.hasSwap, machine, pods };
    const batch = toBatch(points, last?.layout);
    const isLong = before.rows.length > longFromRows;
    if (isLong) yield;
    const hasForgotten = forget(before, choice.seen);
    const { rows } = before;
    for (let place = 0; place < rows.length; place += 1) {
      if (place % rowsPerStep === rowsPerStep - 1 && isLong) yield;
      rows[place] = meaning.kept(rows[place]!, rows[place - 1]);
    }
    const isRemembered = recall.complete && collector.isPlain && !hasForgotten;
    const steady = isRemembered ? steadyOf(choice, batch.layout, collector.numbers, meaning.oldestMs) : undefined;
    const hasSwap = swapOf(collector, batch.numbers);
    memory = { ...before, last: { layout: batch.layout, numbers: batch.numbers, hasSwap, doubts, steady } };
    return { kind: 'batch', batch: { ...batch, hasSwap }, filtered, doubts };
  }
}

/** What is known of a body once it has ended. */
interface Ended {
  readonly filtered: boolean;
  readonly time: AnswerTime;
  readonly brief: boolean;
  /** Whether it was read to its end. */
  readonly isWhole: boolean;
}

/** What went wrong in a body, as an outcome; other errors are thrown on. */
function refusal(error: unknown): Decoded {
  if (error instanceof AnswerTooLongError) return { kind: 'too-long', reason: error.message };
  if (error instanceof ExpositionError) return { kind: 'malformed', reason: `malformed body: ${error.message}` };
  throw error;
}

/** What one endpoint of one node has told, as far as its next answer is read by it. */
interface Memory<Row> {
  readonly recall: Recall;
  /** What the numbers that are remembered stand for. */
  readonly rows: Row[];
  readonly last:
    | {
        readonly layout: NodeBatch['layout'];
        readonly numbers: NodeBatch['numbers'];
        readonly hasSwap: NodeBatch['hasSwap'];
        readonly doubts: Doubts | undefined;
        /** Where there is a short cut for the next answer. */
        readonly steady: Steady | undefined;
      }
    | undefined;
}

/** Forgets the rows that are gone; false where there are none. */
function forget<Row>({ rows, recall }: Memory<Row>, seen: readonly number[]): boolean {
  if (seen.length === rows.length) return false;
  recall.renumber(seen);
  // In ascending order, so none is written over before it is read.
  for (let place = 0; place < seen.length; place += 1) rows[place] = rows[seen[place]!]!;
  rows.length = seen.length;
  return true;
}

/** Swap in use proves that there is swap, whatever the kubelet says of the machine, which it looks at each five minutes; none in use proves nothing. */
function swapOf({ hasSwap }: Pick<Collector<unknown>, 'hasSwap'>, numbers: Float64Array): boolean | undefined {
  if (hasSwap === true) return true;
  for (let at = column.swapBytes; at < numbers.length; at += columns) if (numbers[at]! > 0) return true;
  return hasSwap;
}

type Reader = Pick<DelimitedReader, 'write' | 'end' | 'hasEnough'>;

function openReader(
  contentType: string,
  families: readonly string[],
  sink: SampleSink,
  recall: Recall,
  enough: readonly number[] | undefined,
): Reader | undefined {
  switch (formatOf(contentType)) {
    case 'text':
      // Nothing is recognised in text.
      recall.beginBody();
      recall.pass();
      return new TextReader(families, sink);
    case 'delimited':
      return new DelimitedReader(families, sink, recall, enough);
    case 'unknown':
      return undefined;
  }
}

type Format = 'text' | 'delimited' | 'unknown';

/** Kubelets have one or two content types, each for thousands of answers. */
const formats = new Map<string, Format>();
const formatsLimit = 16;

/** Unknown are OpenMetrics, protobuf that is not delimited, and what is no exposition at all. */
function formatOf(contentType: string): Format {
  const known = formats.get(contentType);
  if (known !== undefined) return known;
  const format = parseFormat(contentType);
  if (formats.size < formatsLimit) formats.set(contentType, format);
  return format;
}

function parseFormat(contentType: string): Format {
  const [type, ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase());
  if (type === 'text/plain') return 'text';
  const isDelimited = type === 'application/vnd.google.protobuf' && parameters.includes('encoding=delimited');
  return isDelimited ? 'delimited' : 'unknown';
}

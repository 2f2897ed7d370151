/** Answers of PromQL engines. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  MalformedAnswerError,
  readQueryAnswer,
  readQueryElement,
  readSeriesElement,
} from '../../../src/promql/answer.ts';
import { queryLimits, seriesLimits } from '../../../src/promql/answerlimits.ts';
import { AnswerLimitError, ElementSplitter } from '../../../src/promql/elementsplitter.ts';
import { measure } from '../../../src/prometheussource/measured.ts';
import { mutate } from '../mutate.ts';
import type { Random } from '../random.ts';
import type { FuzzTarget } from '../target.ts';

const folder = path.resolve(import.meta.dirname, '../../testdata/promql');
const captures = ['prometheus-api', 'prometheus-3-api', 'victoriametrics-1.79.5-api', 'victoriametrics-1.151.0-api']
  .flatMap((name): Capture[] => JSON.parse(readFileSync(path.join(folder, `${name}.json`), 'utf8')))
  .map(({ request, response }) => ({ url: request.url, body: Buffer.from(JSON.stringify(response.body)) }));

interface Capture {
  readonly request: { readonly url: string };
  readonly response: { readonly body: unknown };
}

const bodiesOf = (endpoint: string) => captures.filter(({ url }) => url.startsWith(`/api/v1/${endpoint}`));

interface Split {
  readonly envelope: unknown;
  readonly elements: readonly unknown[];
}

/** Returns undefined where the text is refused. */
function split(input: Buffer, keys: readonly string[], random: Random | undefined): Split | undefined {
  const elements: unknown[] = [];
  const limits = keys.length === 1 ? seriesLimits : queryLimits;
  const splitter = new ElementSplitter(keys, limits, (text) => elements.push(JSON.parse(text)));
  try {
    for (let from = 0; from < input.length; ) {
      const bytes = random === undefined ? input.length : 1 + random.below(200);
      splitter.write(input.subarray(from, from + bytes));
      from += bytes;
    }
    return { envelope: JSON.parse(splitter.end()), elements };
  } catch (error) {
    const isDeclared = error instanceof AnswerLimitError || error instanceof SyntaxError;
    if (isDeclared || (error instanceof Error && error.message === 'the answer ends in the middle')) return undefined;
    throw error;
  }
}

/** Chunks must make no difference, and no sample may become a number that no quantity can express. */
function checkAnswer(input: Buffer, keys: readonly string[], random: Random): boolean {
  const whole = split(input, keys, undefined);
  assert.deepEqual(split(input, keys, random), whole);
  if (whole === undefined) return false;
  try {
    if (keys.length === 1) {
      for (const element of whole.elements) readSeriesElement(element);
      return true;
    }
    for (const sample of readQueryAnswer(whole.envelope, whole.elements.map(readQueryElement)).samples) {
      const measured = measure(sample);
      if (measured.kind !== 'sample') continue;
      assert.ok(Number.isSafeInteger(measured.sample.timestampMs));
      assert.ok(measured.sample.valueMilli < 2n ** 63n && measured.sample.valueMilli > -(2n ** 63n));
    }
    return true;
  } catch (error) {
    if (error instanceof MalformedAnswerError) return false;
    throw error;
  }
}

const target = (endpoint: string, keys: readonly string[]): FuzzTarget => ({
  name: `promql/answer.ts: ${endpoint}`,
  make: (random) => mutate(random, random.of(bodiesOf(endpoint)).body),
  check: (input, random) => checkAnswer(input, keys, random),
});

export const targets: readonly FuzzTarget[] = [target('query', ['data', 'result']), target('series', ['data'])];

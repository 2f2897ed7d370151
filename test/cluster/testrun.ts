/** Runs files of tests that share what has been set up before, and prints the totals. */
import { finished } from 'node:stream/promises';
import { after, run } from 'node:test';
import { spec } from 'node:test/reporters';

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const succeeded = ({ passed, failed }: Totals): boolean => failed === 0 && passed > 0;

/** The last line of a run, which .ci/run counts by. */
export function printTotals({ passed, failed, skipped }: Totals): void {
  console.log(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
}

/** Closes what the tests share after the last of them. */
export async function runTestFiles(files: readonly string[], close: () => PromiseLike<void>): Promise<Totals> {
  const closed = Promise.withResolvers<void>();
  let totals: Totals | undefined;
  const events = run({
    files: [...files],
    // In this process, so that all files share what has been set up, and one after the other: they share two cores as well.
    isolation: 'none',
    concurrency: 1,
    // The runner does not end before this process has nothing else to do, so that has to go first.
    setup: () => after(() => close().then(closed.resolve, closed.reject)),
  });
  events.on('test:summary', ({ counts: { tests, passed, skipped }, success }) => {
    const failed = tests - passed - skipped;
    // What fails outside of a test, a hook for example, is a failure as well.
    totals = { passed, failed: success ? failed : Math.max(1, failed), skipped };
  });
  const report = events.compose(new spec());
  report.pipe(process.stdout, { end: false });
  await Promise.all([finished(report), closed.promise]);
  if (totals === undefined) throw new Error('the test runner ended without a summary');
  return totals;
}

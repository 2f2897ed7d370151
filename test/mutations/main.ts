/**
 * Mutates the sources, one mistake at a time, and runs the unit tests that must notice it. Arguments are parts of the files' names or of what goes
 * wrong; none tries all. Exit codes: 0 all are noticed, 1 some survive or do not apply any more, 2 the tests fail without a mutation.
 */
import type { Mutation } from './mutation.ts';
import { mutations } from './mutations.ts';
import { makeCopy, type Outcome } from './run.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(parts: readonly string[]): Promise<number> {
  const chosen = mutations.filter(
    ({ file, why }) => parts.length === 0 || parts.some((part) => file.includes(part) || why.includes(part)),
  );
  await using copy = await makeCopy();
  const patterns = [...new Set(chosen.flatMap(({ tests }) => tests))];
  if (!(await copy.passes(patterns))) {
    console.error('the unit tests fail without a mutation');
    return 2;
  }
  const failed: [Mutation, Outcome][] = [];
  for (const mutation of chosen) {
    const outcome = await copy.tryOut(mutation);
    if (outcome !== 'noticed') failed.push([mutation, outcome]);
    console.log(`${outcome === 'noticed' ? 'ok' : 'not ok'}  ${mutation.file}: ${mutation.why}`);
  }
  for (const [{ file, search, replace, why }, outcome] of failed) {
    console.log(`\n${outcome}: src/${file}: ${why}\n  - ${search}\n  + ${replace}`);
  }
  console.log(`\n${chosen.length - failed.length} of ${chosen.length} are noticed`);
  return failed.length === 0 && chosen.length > 0 ? 0 : 1;
}

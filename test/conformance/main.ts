/** The conformance run: the real metrics-server and ours are asked the same, and every difference that is not deliberate is a failure. */
import { inLab } from '../cluster/labrun.ts';
import type { Case, Phase } from './case.ts';
import { groups, statementCount, titleOf } from './cases.ts';
import { elsewhere, partly } from './elsewhere.ts';
import { gaps } from './gaps.ts';
import { judge } from './judge.ts';
import { type Lab, openLab } from './lab.ts';

interface Totals {
  passed: number;
  failed: number;
  deliberate: number;
}

const phases: readonly Phase[] = ['starting', 'running', 'changing', 'stopping'];

process.exitCode = await main(process.argv.slice(2));

/**
 * Arguments are parts of the titles of the cases to run; none runs all. `--disable-fast-path` starts ours with that flag. Returns 0 when all passed, 1 when some
 * failed, 2 when the machine is not as needed.
 */
function main(args: readonly string[]): Promise<number> {
  const flag = '--disable-fast-path';
  const parts = args.filter((arg) => arg !== flag);
  return inLab(
    () => openLab(args.includes(flag) ? [flag] : []),
    async (lab) => {
      const totals = await runAll(lab, parts);
      report(totals);
      return totals.failed === 0 && totals.passed > 0 ? 0 : 1;
    },
  );
}

async function runAll(lab: Lab, parts: readonly string[]): Promise<Totals> {
  const totals: Totals = { passed: 0, failed: 0, deliberate: 0 };
  for (const phase of phases) {
    if (phase === 'running') await lab.complete();
    for (const [group, cases] of groups) {
      for (const stated of cases) {
        const title = titleOf(group, stated);
        const chosen = parts.length === 0 || parts.some((part) => title.includes(part));
        if (chosen && (stated.phase ?? 'running') === phase) await runOne(lab, title, stated, totals);
      }
    }
  }
  return totals;
}

async function runOne(lab: Lab, title: string, stated: Case, totals: Totals): Promise<void> {
  const gap = gaps.get(title);
  let wrong: readonly string[];
  try {
    wrong = await judge(lab, stated);
  } catch (error) {
    wrong = [`cannot be asked: ${String(error)}`];
  }
  if (wrong.length === 0 && gap !== undefined) wrong = ['is in gaps.ts, but nothing is wrong any more'];
  if (wrong.length === 0) {
    totals.passed += 1;
    if (stated.differs !== undefined) totals.deliberate += 1;
    return;
  }
  totals.failed += 1;
  console.log(`not ok  ${title}`);
  if (gap !== undefined) console.log(`        known gap: ${gap}`);
  for (const line of wrong) console.log(`        ${line}`);
}

function report({ passed, failed, deliberate }: Totals): void {
  for (const [statement, why] of elsewhere) console.log(`statement ${statement} is not automated here: ${why}`);
  for (const [statement, what] of partly) console.log(`statement ${statement} is automated but for this: ${what}`);
  console.log(
    `${statementCount - elsewhere.size} of ${statementCount} statements have cases (${partly.size} of them in part), ${elsewhere.size} have none here`,
  );
  console.log(`${gaps.size} cases are known gaps, test/conformance/gaps.ts; they count as failed`);
  console.log(`${deliberate} cases show a deliberate difference, as stated in test/conformance/differences.ts`);
  console.log(`${passed} passed, ${failed} failed`);
}

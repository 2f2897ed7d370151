/** The fault run: the same faults for the real metrics-server and ours, and what each of them costs the clients of either. */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { inLab } from '../cluster/labrun.ts';
import { type Fault, nodeOf, steadyNode } from './fault.ts';
import { faults } from './faults.ts';
import { judge } from './judge.ts';
import { type Lab, openLab } from './lab.ts';
import { measuredFile } from './measured.ts';
import { calmMs, type Result, runRound, watchBoth } from './round.ts';
import { faultTable, type Measured, type Row } from './table.ts';

process.exitCode = await main(process.argv.slice(2));

/**
 * Arguments are parts of the names of the faults to make; none makes all. --ci makes the part that takes less than six minutes, --record
 * writes down what a whole run has measured, for docs/faults.md. 0 passed, 1 failed, 2 the machine is not as needed.
 */
function main(args: readonly string[]): Promise<number> {
  const parts = args.filter((arg) => !arg.startsWith('--'));
  const chosen = faults.filter(
    ({ name, ci }) =>
      (ci || !args.includes('--ci')) && (parts.length === 0 || parts.some((part) => name.includes(part))),
  );
  const nodes = chosen.filter(({ strikes }) => strikes === 'node').map((fault) => nodeOf(faults, fault));
  return inLab(
    () => openLab([...nodes, steadyNode]),
    async (lab) => {
      const results = await runAll(lab, chosen);
      if (args.includes('--record') && results.length === faults.length) record(results);
      return report(results);
    },
  );
}

async function runAll(lab: Lab, chosen: readonly Fault[]): Promise<Result[]> {
  const together = chosen.filter((fault) => fault.strikes === 'node' && fault.together);
  const alone = chosen.filter((fault) => !together.includes(fault)).map((fault) => [fault]);
  const results: Result[] = [];
  await using administrators = watchBoth(lab, () => ({}));
  // A server that has just started scrapes its nodes once more in between: for that while their data are younger than they ever will be.
  await sleep(calmMs);
  for (const round of [together, ...alone]) {
    const [first] = round;
    if (first === undefined) continue;
    console.log(`== ${round.map(({ name }) => name).join('; ')}`);
    const oursArgs = 'oursArgs' in first ? first.oursArgs : undefined;
    if (oursArgs !== undefined) await lab.kill('ours', oursArgs);
    await using own = 'looker' in first ? watchBoth(lab, first.looker) : undefined;
    results.push(...(await runRound(lab, own ?? administrators, round, faults)));
    if (oursArgs !== undefined) await lab.kill('ours');
  }
  return results;
}

function report(results: readonly Result[]): number {
  let failed = 0;
  for (const result of results) {
    const problems = judge(result);
    if (problems.length === 0) continue;
    failed += 1;
    console.log(`not ok  ${result.fault.name}`);
    for (const problem of problems) console.log(`        ${problem}`);
  }
  console.log(`\n${faultTable(rowsOf(results))}\n`);
  console.log(`${results.length - failed} passed, ${failed} failed`);
  return failed === 0 && results.length > 0 ? 0 : 1;
}

function record(results: readonly Result[]): void {
  const measured: Measured = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown processor'}`,
    rows: rowsOf(results),
  };
  // Tenths are all that a look each quarter of a second is good for.
  const rounded = (_: string, value: unknown) => (typeof value === 'number' ? Math.round(value * 10) / 10 : value);
  writeFileSync(measuredFile, `${JSON.stringify(measured, rounded, 2)}\n`);
}

function rowsOf(results: readonly Result[]): Row[] {
  return results.map(({ fault, figures }) => ({ name: fault.name, figures }));
}

/**
 * prometheus-adapter and ours over the same rules and the same Prometheus: answers are compared, and with
 * --prometheus-queries=as-adapter the queries, too. Every difference that is not in the table fails.
 */
import { inLab } from '../cluster/labrun.ts';
import { judgeAggregated } from './aggregated.ts';
import { capturesWithoutCase } from './captured.ts';
import type { CustomCase } from './case.ts';
import { faults } from './cases/faults.ts';
import { startCases } from './cases/files.ts';
import { sweep } from './cases/sweep.ts';
import { type RowName, rows } from './differences.ts';
import { groups } from './groups.ts';
import { createJudge, type Servers } from './judge.ts';
import { judgeStart } from './starts.ts';
import { configNames, type Lab, listedBy, openLab } from './lab.ts';

/** Reads of one file that are asked at the same time. */
const readsAtOnce = 16;
/** Files with which both servers are started at the same time. */
const startsAtOnce = 4;

process.exitCode = await main(process.argv.slice(2));

/** Arguments are parts of the titles of cases; none runs all. Returns 0 when all passed, 1 when some failed, 2 when the machine is not as needed. */
function main(parts: readonly string[]): Promise<number> {
  return inLab(openLab, async (lab) => {
    const run = createRun(lab, parts);
    for (const config of configNames) {
      await using running = await lab.startServers(config);
      // What is listed of custom resources differs in a group's cases.
      if (config !== 'custom-resources') await run.lists(config, running.servers);
      for (const group of groups) {
        if (group.config === config) await run.cases(group.name, group.cases, running.servers);
      }
      if (config === 'main') {
        // The first waits for the controller most of the time.
        await Promise.all([run.aggregated(running.servers), run.starts()]);
        await run.failures(running.servers);
      }
    }
    if (parts.length === 0) {
      run.unusedRows();
      run.captures();
    }
    return run.finish();
  });
}

function createRun(lab: Lab, parts: readonly string[]) {
  const judge = createJudge(lab.client, lab.plane);
  const shown = new Set<RowName>();
  const totals = { passed: 0, failed: 0, deliberate: 0 };
  return { lists, cases, aggregated, failures, starts, unusedRows, captures, finish };

  /** Compares what each lists, and then reads all of it. */
  async function lists(config: string, servers: Servers): Promise<void> {
    const real = await listedBy(lab.client, servers.real);
    for (const name of ['ours', 'as-adapter'] as const) {
      const ours = await listedBy(lab.client, servers[name]);
      const wrong = [
        ...missing('does not list', real.custom, ours.custom),
        ...missing('lists', ours.custom, real.custom),
        ...missing('does not list external', real.external ?? [], ours.external ?? []),
        ...missing('lists external', ours.external ?? [], real.external ?? []),
      ];
      note(`${config}: what ${name} lists`, wrong);
    }
    const reads = sweep({ custom: real.custom, external: real.external ?? [] });
    const chosen = reads.filter((stated) => isChosen(titleOf(config, stated)));
    for (let at = 0; at < chosen.length; at += readsAtOnce) {
      const together = chosen.slice(at, at + readsAtOnce);
      const { wrong, queries } = await judge.judgeTogether(servers, together);
      together.forEach((stated, index) => note(titleOf(config, stated), wrong[index] ?? []));
      note(`${config}: queries of reads ${at} to ${at + together.length}`, queries);
    }
  }

  function isChosen(title: string): boolean {
    return parts.length === 0 || parts.some((part) => title.includes(part));
  }

  async function cases(group: string, all: readonly CustomCase[], servers: Servers): Promise<void> {
    for (const stated of all) {
      const title = titleOf(group, stated);
      if (!isChosen(title)) continue;
      if (stated.differs !== undefined) {
        shown.add(stated.differs.row);
        totals.deliberate += 1;
      }
      note(title, await judge.judge(servers, stated).catch((error: unknown) => [`cannot be asked: ${String(error)}`]));
    }
  }

  async function aggregated(servers: Servers): Promise<void> {
    if (!isChosen('behind kube-apiserver')) return;
    for (const [title, wrong] of await judgeAggregated(lab, servers)) note(`behind kube-apiserver: ${title}`, wrong);
  }

  async function failures(servers: Servers): Promise<void> {
    for (const fault of faults) {
      for (const { recorder } of Object.values(servers)) recorder.fault = undefined;
      await cases(`before fault ${fault.name}`, fault.before ?? [], servers);
      for (const { recorder } of Object.values(servers)) {
        recorder.fault = (asked, response) => asked.path.endsWith('/query') && fault.answer(response, asked) !== false;
      }
      await cases(`fault ${fault.name}`, fault.cases, servers);
    }
  }

  async function starts(): Promise<void> {
    const chosen = startCases.filter(({ name }) => isChosen(`start: ${name}`));
    for (let at = 0; at < chosen.length; at += startsAtOnce) {
      const together = chosen.slice(at, at + startsAtOnce);
      const wrong = await Promise.all(together.map((each) => judgeStart(lab.client, lab.startOptions, each)));
      together.forEach(({ name, differs }, index) => {
        if (differs !== undefined) {
          shown.add(differs.row);
          totals.deliberate += 1;
        }
        note(`start: ${name}`, wrong[index] ?? []);
      });
    }
  }

  function note(title: string, wrong: readonly string[]): void {
    totals[wrong.length === 0 ? 'passed' : 'failed'] += 1;
    if (wrong.length === 0) return;
    console.log(`not ok  ${title}`);
    for (const line of wrong) console.log(`        ${line}`);
  }

  function unusedRows(): void {
    for (const row of Object.keys(rows) as RowName[]) {
      note(`row ${row} of the table`, shown.has(row) ? [] : ['no case shows it']);
    }
  }

  function captures(): void {
    const missed = capturesWithoutCase(groups.flatMap((group) => group.cases));
    note(
      'captures of the adapter',
      missed.map((name) => `${name} has no case`),
    );
  }

  function finish(): number {
    console.log(`${totals.deliberate} cases show a deliberate difference, as stated in test/custom/differences.ts`);
    console.log(`${totals.passed} passed, ${totals.failed} failed`);
    return totals.failed === 0 && totals.passed > 0 ? 0 : 1;
  }
}

function titleOf(group: string, { statements, name }: CustomCase): string {
  return `${group} ${statements.join(',')}: ${name}`;
}

function missing(what: string, wanted: readonly string[], found: readonly string[]): readonly string[] {
  return wanted.filter((name) => !found.includes(name)).map((name) => `${what} ${name}`);
}

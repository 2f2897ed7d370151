/**
 * The hostile run: strangers and hostile kubelets attack the program as it runs in a pod, one attack after the other, each on a program of its own. Prints what each cost:
 * CPU seconds, the longest hold of another caller, bytes. Arguments are parts of the names or targets of the attacks to run; none runs all.
 */
import { globSync } from 'node:fs';
import path from 'node:path';
import { inLab } from '../cluster/labrun.ts';
import { type Attack, attackTimeoutMs, defaultLimits, goalHoldMs, type Limits } from './attack.ts';
import { lanes, type Sight } from './bystander.ts';
import { type Cost, type Ground, type Lab, openGround, openLab } from './lab.ts';

process.exitCode = await main(process.argv.slice(2));

/** 0 passed, 1 failed, 2 the machine is not as needed. */
function main(parts: readonly string[]): Promise<number> {
  return inLab(openGround, async (ground) => {
    const attacks = await loadAttacks();
    const chosen = attacks.filter(
      ({ name, target }) => parts.length === 0 || parts.some((part) => name.includes(part) || target.includes(part)),
    );
    console.log(`Goal for every attack: no other caller is held for more than ${goalHoldMs} ms.\n`);
    let failed = 0;
    for (const [index, attack] of chosen.entries()) {
      const problems = await attackOnce(ground, String(index), attack);
      if (problems.length > 0) failed += 1;
      for (const problem of problems) console.log(`        ${problem}`);
    }
    console.log(`${chosen.length - failed} passed, ${failed} failed`);
    return failed === 0 && chosen.length > 0 ? 0 : 1;
  });
}

/** Each file in attacks/ exports `attacks`. */
async function loadAttacks(): Promise<Attack[]> {
  const folder = path.join(import.meta.dirname, 'attacks');
  const files = globSync('*.ts', { cwd: folder }).sort();
  const modules = await Promise.all(
    files.map((file) => import(path.join(folder, file)) as Promise<{ readonly attacks: readonly Attack[] }>),
  );
  return modules.flatMap(({ attacks }) => attacks);
}

/** Prints a line with the cost, and returns what is wrong. */
async function attackOnce(ground: Ground, label: string, attack: Attack): Promise<string[]> {
  const limits = { ...defaultLimits, ...attack.limits };
  try {
    await using lab = await openLab(ground, label, attack);
    const context = { ...lab.context, signal: AbortSignal.timeout(attackTimeoutMs) };
    await attack.prepare?.(context);
    await lab.bystander.take();
    const measured = await lab.measure();
    const reaction = await attack.run(context).then(
      () => [],
      (error: unknown) => [messageOf(error)],
    );
    const cost = await measured();
    const sight = await lab.bystander.take();
    const problems = [...reaction, ...judge(cost, sight, limits), ...(await aftermath(lab))];
    console.log(`${problems.length === 0 ? 'ok    ' : 'not ok'}  ${attack.target}: ${attack.name}`);
    console.log(`        ${describeCost(cost, sight)}`);
    return problems;
  } catch (error) {
    console.log(`not ok  ${attack.target}: ${attack.name}`);
    return [messageOf(error)];
  }
}

function judge({ hold, cpuSeconds, addedBytes }: Cost, sight: Sight, limits: Limits): string[] {
  const waits = lanes.map((lane) => [`the longest wait of the ${lane} bystander`, sight[lane].longestMs] as const);
  const rules: readonly (readonly [what: string, value: number, limit: number, unit: string])[] = [
    ['the longest turn of the event loop by its CPU time', hold.cpuMs, limits.holdCpuMs, 'ms'],
    ['the longest turn of the event loop by the clock', hold.wallMs, limits.waitMs, 'ms'],
    ...waits.map(([what, value]) => [what, value, limits.waitMs, 'ms'] as const),
    ['CPU time', cpuSeconds, limits.cpuSeconds, 's'],
    ['added memory', addedBytes / 1024 ** 2, limits.addedBytes / 1024 ** 2, 'MiB'],
  ];
  const exceeded = rules.filter(([, value, limit]) => value > limit);
  const refused = lanes.filter((lane) => sight[lane].refused > 0);
  return [
    ...exceeded.map(([what, value, limit, unit]) => `${what} is ${round(value)} ${unit}, more than ${limit} ${unit}`),
    ...refused.map((lane) => `the ${lane} bystander was refused ${sight[lane].refused} times: ${sight[lane].reason}`),
  ];
}

/** The program must live on and serve everyone as before. */
async function aftermath(lab: Lab): Promise<string[]> {
  if (!lab.running()) return [`the program ended: ${lab.context.log()}`];
  return lab.bystander.served(AbortSignal.timeout(defaultLimits.waitMs)).then(
    () => [],
    () => ['bystanders are not served after the attack'],
  );
}

function describeCost({ hold, cpuSeconds, addedBytes }: Cost, sight: Sight): string {
  const waits = lanes.map((lane) => `${lane} ${round(sight[lane].longestMs)}`).join(', ');
  const mebibytes = Math.max(0, addedBytes) / 1024 ** 2;
  return `${cpuSeconds.toFixed(2)} CPU s; longest hold ${round(hold.cpuMs)} ms of CPU, ${round(hold.wallMs)} ms by the clock; longest wait in ms: ${waits}; ${mebibytes.toFixed(1)} MiB more`;
}

function round(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

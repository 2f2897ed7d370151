/**
 * The hostile run: strangers and hostile kubelets attack the program as it runs in a pod, one attack after the other. Prints what each cost: CPU seconds, the
 * longest hold of another caller, bytes. A control run without an attack says what the machine itself does. Arguments are parts of the names or targets of the
 * attacks to run; none runs all.
 */
import { globSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inLab } from '../cluster/labrun.ts';
import { type Attack, attackTimeoutMs, defaultLimits, goalHoldMs } from './attack.ts';
import { costProblems, describeCost, type Measured } from './judge.ts';
import { type Ground, type Lab, openGround, openLab } from './lab.ts';

/** A run beyond its limits is repeated until so many are good or so many are bad: one can meet a full garbage collection, or a busy machine. */
const deciding = 2;
const controlMs = 3_000;
/** How long everybody may take to be served again; a review that hung is given up within it. */
const aftermathMs = 30_000;

interface Round {
  /** Failures that do not depend on the machine's load. */
  readonly wrong: readonly string[];
  readonly measured: Measured | undefined;
  readonly note: string | undefined;
}

/** 0 passed, 1 failed, 2 the machine is not as needed. */
function main(parts: readonly string[]): Promise<number> {
  return inLab(openGround, async (ground) => {
    const attacks = await loadAttacks();
    const chosen = attacks.filter(
      ({ name, target }) => parts.length === 0 || parts.some((part) => name.includes(part) || target.includes(part)),
    );
    console.log(`Goal for every attack: no other caller is held for more than ${goalHoldMs} ms.`);
    await using labs = createLabs(ground);
    const { measured: control, wrong } = await attackOnce(labs, {
      name: 'control',
      target: '',
      run: () => sleep(controlMs),
    });
    if (control === undefined || wrong.length > 0) throw new Error(`without an attack: ${wrong.join('; ')}`);
    console.log(`control without an attack\n        ${describeCost(control)}\n`);
    let failed = 0;
    for (const attack of chosen) if (!(await passes(labs, attack, control))) failed += 1;
    console.log(`${chosen.length - failed} passed, ${failed} failed`);
    return failed === 0 && chosen.length > 0 ? 0 : 1;
  });
}

/** Each file in attacks/ exports `attacks`. */
async function loadAttacks(): Promise<Attack[]> {
  const folder = path.join(import.meta.dirname, 'attacks');
  const files = globSync('*.ts', { cwd: folder }).sort();
  const modules = await Promise.all(
    files.map((file) => import(path.join(folder, file)) as Promise<{ readonly attacks?: readonly Attack[] }>),
  );
  return modules.flatMap(({ attacks }) => attacks ?? []);
}

/** Attacks until it is decided, and prints each round with its cost. */
async function passes(labs: Labs, attack: Attack, control: Measured): Promise<boolean> {
  const rules = { limits: { ...defaultLimits, ...attack.limits }, alike: attack.alike ?? [] };
  let good = 0;
  let bad = 0;
  while (good < deciding && bad < deciding) {
    const { wrong, measured, note } = await attackOnce(labs, attack);
    const problems = [...wrong, ...(measured === undefined ? [] : costProblems(measured, rules, control))];
    if (problems.length > 0) await labs.renew();
    const verdict = problems.length === 0 ? 'ok    ' : 'not ok';
    console.log(`${verdict}  ${attack.target}: ${attack.name}`);
    if (measured !== undefined) console.log(`        ${describeCost(measured)}`);
    for (const line of [...(note === undefined ? [] : [note]), ...problems]) console.log(`        ${line}`);
    if (wrong.length > 0) return false;
    if (problems.length > 0) bad += 1;
    // The first good round decides: repeats are for those that had bad luck.
    else if (bad === 0) return true;
    else good += 1;
  }
  return good > bad;
}

async function attackOnce(labs: Labs, attack: Attack): Promise<Round> {
  let measured: Measured | undefined;
  let note: string | undefined;
  const wrong: string[] = [];
  try {
    const lab = await labs.lab(attack.args ?? []);
    const signal = AbortSignal.timeout(attackTimeoutMs);
    await using begun = await lab.begin(signal);
    await attack.prepare?.(begun.context);
    await lab.bystander.take();
    const ended = await lab.measure();
    // Some attacks wait for answers without a limit of their own.
    const ran = Promise.race([attack.run(begun.context), aborted(signal)]);
    note = (await ran.catch((error: unknown) => void wrong.push(messageOf(error)))) ?? undefined;
    measured = { cost: await ended(), sight: await lab.bystander.take() };
    wrong.push(...(await aftermath(lab)));
  } catch (error) {
    wrong.push(messageOf(error));
  }
  return { wrong, measured, note };
}

/** Rejects when the signal aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`it took longer than ${attackTimeoutMs} ms`)), {
      once: true,
    });
  });
}

/** The program must live on and serve everyone as before. */
async function aftermath(lab: Lab): Promise<string[]> {
  if (!lab.running()) return [`the program ended: ${lab.log().slice(-2_000)}`];
  return lab.bystander.served(AbortSignal.timeout(aftermathMs)).then(
    () => [],
    () => ['bystanders are not served after the attack'],
  );
}

interface Labs extends AsyncDisposable {
  /** The lab of programs with these flags: the one that is there, if it has them. */
  lab(args: readonly string[]): Promise<Lab>;
  /** The next attack begins with a new program. */
  renew(): Promise<void>;
}

function createLabs(ground: Ground): Labs {
  let current: Lab | undefined;
  let flags = '';
  let count = 0;
  const renew = async () => {
    await current?.[Symbol.asyncDispose]();
    current = undefined;
  };
  return {
    renew,
    async lab(args) {
      if (flags !== args.join(' ')) await renew();
      flags = args.join(' ');
      count += 1;
      current ??= await openLab(ground, String(count), args);
      return current;
    },
    [Symbol.asyncDispose]: renew,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

process.exitCode = await main(process.argv.slice(2));

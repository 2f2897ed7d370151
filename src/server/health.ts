/** /healthz, /livez and /readyz with their named checks, in the format of k8s.io/apiserver. */
import { quote } from '../apimachinery/quote.ts';

/** One named condition; returns what is wrong, or undefined. */
export interface HealthCheck {
  readonly name: string;
  readonly problem: () => string | undefined;
}

export const healthPaths = ['/healthz', '/livez', '/readyz'] as const;
export type HealthPath = (typeof healthPaths)[number];

export function isHealthPath(path: string): path is HealthPath {
  return healthPaths.some((known) => known === path);
}

export type HealthChecks = Readonly<Record<HealthPath, readonly HealthCheck[]>>;

export interface HealthReport {
  readonly ok: boolean;
  readonly text: string;
}

export interface HealthQuestion {
  readonly verbose: boolean;
  /** Names of checks to leave out. */
  readonly excluded: readonly string[];
  /** Whether who asks may see why something is wrong; only asked when something is. Undefined for never. */
  readonly maySeeReasons: (() => Promise<boolean>) | undefined;
}

/** Runs all checks of one path. The report is verbose when asked for and always when something is wrong. */
export async function reportHealth(
  path: HealthPath,
  checks: readonly HealthCheck[],
  { verbose, excluded, maySeeReasons }: HealthQuestion,
): Promise<HealthReport> {
  const problems = new Map<string, string>();
  for (const { name, problem } of checks) {
    const found = excluded.includes(name) ? undefined : problem();
    if (found !== undefined) problems.set(name, found);
  }
  const ok = problems.size === 0;
  if (ok && !verbose) return { ok, text: 'ok' };
  const open = !ok && (await maySeeReasons?.()) === true;
  const lines = checks.map(({ name }) => {
    if (excluded.includes(name)) return `[+]${name} excluded: ok`;
    const problem = problems.get(name);
    if (problem === undefined) return `[+]${name} ok`;
    return `[-]${name} failed: ${open ? problem : 'reason withheld'}`;
  });
  const unknown = new Set(excluded).difference(new Set(checks.map(({ name }) => name)));
  if (unknown.size > 0) {
    const names = [...unknown].sort().map(quote).join(',');
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
  }
  return { ok, text: `${lines.join('\n')}\n${path.slice(1)} check ${ok ? 'passed' : 'failed'}\n` };
}

/** /healthz, /livez and /readyz with their named checks, in the format of k8s.io/apiserver. */

/** One named condition; returns what is wrong, or undefined. */
export interface HealthCheck {
  readonly name: string;
  readonly problem: () => string | undefined;
}

export const healthPaths = ['/healthz', '/livez', '/readyz'] as const;
export type HealthPath = (typeof healthPaths)[number];
export type HealthChecks = Readonly<Record<HealthPath, readonly HealthCheck[]>>;

export interface HealthReport {
  readonly ok: boolean;
  readonly text: string;
}

/**
 * Runs all checks of one path. The report is verbose when asked for and always when something is wrong; why something is wrong is not for
 * everybody's eyes, so it is withheld here.
 * @param excluded names of checks to leave out.
 */
export function reportHealth(
  path: HealthPath,
  checks: readonly HealthCheck[],
  verbose: boolean,
  excluded: readonly string[],
): HealthReport {
  const lines: string[] = [];
  let ok = true;
  for (const { name, problem } of checks) {
    if (excluded.includes(name)) lines.push(`[+]${name} excluded: ok`);
    else if (problem() === undefined) lines.push(`[+]${name} ok`);
    else {
      ok = false;
      lines.push(`[-]${name} failed: reason withheld`);
    }
  }
  const unknown = excluded.filter((name) => !checks.some((check) => check.name === name));
  if (unknown.length > 0) {
    const names = unknown.map((name) => JSON.stringify(name)).join(', ');
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
  }
  if (ok && !verbose) return { ok, text: 'ok' };
  return { ok, text: `${lines.join('\n')}\n${path.slice(1)} check ${ok ? 'passed' : 'failed'}\n` };
}

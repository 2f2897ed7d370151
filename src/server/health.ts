/** /healthz, /livez and /readyz in the format of k8s.io/apiserver. */
import { quote } from '../apimachinery/quote.ts';
import { type CodedText, withPage } from '../messagecodes.ts';

/** One named condition. */
export interface HealthCheck {
  readonly name: string;
  /** Undefined if there is none. */
  readonly problem: () => CodedText | undefined;
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

export interface HealthReportOptions {
  readonly verbose: boolean;
  readonly excluded: readonly string[];
  /** Undefined for never. */
  readonly maySeeReasons: (() => Promise<boolean>) | undefined;
  /** Verbose lines that fail no check; shown only with reasons. */
  readonly notes?: readonly string[];
}

/** Repeated in a report: health is open to strangers without a limit in flight. */
const namedLimit = 16;

/** Runs a path's checks. A failure makes the report verbose. */
export async function reportHealth(
  path: HealthPath,
  checks: readonly HealthCheck[],
  { verbose, excluded, maySeeReasons, notes = [] }: HealthReportOptions,
): Promise<HealthReport> {
  const isExcluded = new Set(excluded);
  const problems = new Map<string, CodedText>();
  for (const { name, problem } of checks) {
    const found = isExcluded.has(name) ? undefined : problem();
    if (found !== undefined) problems.set(name, found);
  }
  const ok = problems.size === 0;
  if (ok && !verbose) return { ok, text: 'ok' };
  const open = (!ok || notes.length > 0) && (await maySeeReasons?.()) === true;
  const lines = checks.map(({ name }) => {
    if (isExcluded.has(name)) return `[+]${name} excluded: ok`;
    const problem = problems.get(name);
    if (problem === undefined) return `[+]${name} ok`;
    return `[-]${name} failed: ${open ? withPage(problem) : 'reason withheld'}`;
  });
  const unknown = isExcluded.difference(new Set(checks.map(({ name }) => name)));
  if (unknown.size > 0) {
    const names = [...unknown].sort().slice(0, namedLimit).map(quote).join(',');
    const more = unknown.size > namedLimit ? ` and ${unknown.size - namedLimit} more` : '';
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}${more}`);
  }
  if (open) lines.push(...notes.map((note) => `note: ${note}`));
  return { ok, text: `${lines.join('\n')}\n${path.slice(1)} check ${ok ? 'passed' : 'failed'}\n` };
}

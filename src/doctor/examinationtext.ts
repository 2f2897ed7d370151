/** Prints an examination: for people, as JSON or as YAML. */
import { stringify } from 'yaml';
import { escapeControls, terminalJson } from '../foreigntext.ts';
import type { CheckSummary, Examination } from './examination.ts';
import { type ReportedFinding, severities } from './finding.ts';

export const outputFormats = ['table', 'json', 'yaml'] as const;
export type OutputFormat = (typeof outputFormats)[number];

export function examinationText(examination: Examination, format: OutputFormat): string {
  if (format === 'json') return `${terminalJson(examination, 2)}\n`;
  if (format === 'yaml') return stringify(examination);
  return table(examination);
}

const marks: Readonly<Record<CheckSummary['result'], string>> = {
  error: 'ERROR',
  warning: 'warning',
  unchecked: 'unchecked',
  ok: 'ok',
};

function table({ version, time, cluster, place, checks, findings }: Examination): string {
  const width = Math.max(...checks.map(({ name }) => name.length), 0);
  const lines = [
    `kubegauge ${version} doctor at ${time}, ${place === 'pod' ? 'in a pod' : 'outside of the cluster'}: ${cluster}`,
    '',
    ...checks.map(({ name, title, result }) => `${marks[result].padEnd(9)}  ${name.padEnd(width)}  ${title}`),
  ].map(escapeControls);
  const shown = withoutRepeats(bySeverity(findings));
  for (const finding of shown) lines.push('', ...describe(finding));
  lines.push('', summary(shown));
  return `${lines.join('\n')}\n`;
}

/** Keeps the order of the checks within a severity. */
function bySeverity(findings: readonly ReportedFinding[]): readonly ReportedFinding[] {
  return findings.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

/** Several checks may lack the same right; the list of checks shows which. */
function withoutRepeats(findings: readonly ReportedFinding[]): readonly ReportedFinding[] {
  const seen = new Set<string>();
  return findings.filter(({ severity, object, problem }) => {
    const key = JSON.stringify([object, problem]);
    if (severity !== 'unchecked' || !seen.has(key)) {
      seen.add(key);
      return true;
    }
    return false;
  });
}

function describe({ check, code, severity, object, problem, evidence, remedy }: ReportedFinding): readonly string[] {
  const lines = [`${severity.toUpperCase()}  ${object}  [${check}/${code}]`, `  ${problem}`];
  if (evidence !== undefined) lines.push(`  seen: ${evidence}`);
  // Not indented: a here-document must end at the start of a line.
  if (remedy !== undefined) lines.push('  remedy:', ...remedy.split('\n'));
  return lines.map(escapeControls);
}

function summary(findings: readonly ReportedFinding[]): string {
  const counts = Map.groupBy(findings, ({ severity }) => severity);
  const count = (severity: ReportedFinding['severity']) => counts.get(severity)?.length ?? 0;
  if (findings.length === 0) return 'all is well';
  const parts = (['error', 'warning', 'unchecked', 'note'] as const)
    .filter((severity) => count(severity) > 0)
    .map((severity) => `${count(severity)} ${severity}${count(severity) > 1 && severity !== 'unchecked' ? 's' : ''}`);
  return parts.join(', ');
}

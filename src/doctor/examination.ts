/** Runs checks side by side, each until its deadline, and collects their findings. */
import type { ApiServer } from '../client/apiserver.ts';
import { type Clock, systemClock } from '../clock.ts';
import { foreignText, withoutSecrets } from '../foreigntext.ts';
import { describeError } from '../logging.ts';
import type { Options } from '../options/flags.ts';
import { version } from '../version.ts';
import { createCertificates } from './certificates.ts';
import type { Check, CheckContext } from './check.ts';
import { type ClusterReader, openClusterReader } from './clusterreader.ts';
import { type Finding, type ReportedFinding, severities, uncheckedCode } from './finding.ts';
import { keptLimitBytes } from './keptbytes.ts';
import { UncheckedError } from './uncheckederror.ts';

export interface Examination {
  readonly kind: 'Examination';
  readonly version: string;
  /** RFC 3339, by kube-apiserver's clock. */
  readonly time: string;
  readonly cluster: string;
  readonly place: 'pod' | 'outside';
  /** Whether at least one check could look at something. */
  readonly examined: boolean;
  readonly checks: readonly CheckSummary[];
  /** In the order of the checks, errors first. */
  readonly findings: readonly ReportedFinding[];
}

export interface CheckSummary {
  readonly name: string;
  readonly title: string;
  /** The worst of its findings; `ok` without any but notes. */
  readonly result: 'error' | 'warning' | 'unchecked' | 'ok';
}

/** Milliseconds for one check. */
const checkTimeoutMs = 60_000;
/** Findings of one check: 5,000 nodes may have the same fault. The rest is counted. */
const findingLimit = 200;

export interface ExaminationOptions {
  readonly server: ApiServer;
  readonly options: Options;
  readonly place: CheckContext['place'];
  readonly clock?: Clock;
  /** In bytes of JSON, of all that the run keeps to its end. Less in the pod, whose memory the server needs. */
  readonly keptLimit?: number;
}

/** Returns texts without secrets and control characters: they quote other programs, and people paste remedies into terminals. @throws Error if kube-apiserver cannot be asked at all. */
export async function examine(
  checks: readonly Check[],
  { server, options, place, clock = systemClock, keptLimit = keptLimitBytes[place] }: ExaminationOptions,
): Promise<Examination> {
  const stop = new AbortController();
  await using api = openClusterReader({ server, clock, signal: stop.signal, keptLimit });
  try {
    await api.probe();
    const certificates = createCertificates(stop.signal);
    const outcomes = await Promise.all(
      checks.map((check) => {
        const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(checkTimeoutMs)]);
        return runCheck(check, { api, certificates, server, options, place, nowMs: api.nowMs, signal });
      }),
    );
    const findings = outcomes.map((outcome) => outcome.findings);
    return {
      kind: 'Examination',
      version,
      time: new Date(api.nowMs()).toISOString(),
      cluster: withoutSecrets(server.url),
      place,
      examined: outcomes.some(({ isDone }) => isDone),
      checks: checks.map(({ name, title }, index) => ({ name, title, result: resultOf(findings[index] ?? []) })),
      findings: findings.flat().map(printable),
    };
  } finally {
    stop.abort(new Error('the examination is over'));
  }
}

interface CheckOutcome {
  readonly findings: readonly ReportedFinding[];
  /** False if all its findings say that it could not look, and it failed or read nothing. */
  readonly isDone: boolean;
}

async function runCheck(check: Check, context: CheckContext): Promise<CheckOutcome> {
  const found: Finding[] = [];
  let reads = 0;
  let failed = false;
  const api = countingReader(context.api, () => (reads += 1));
  const run = check.run({ ...context, api })[Symbol.asyncIterator]();
  const late = Promise.withResolvers<'late'>();
  const onAbort = () => late.resolve('late');
  context.signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      const step = await Promise.race([run.next(), late.promise]);
      if (step === 'late')
        throw new UncheckedError(check.title, `the check took longer than ${checkTimeoutMs / 1000} s`);
      if (step.done === true) break;
      found.push(step.value);
    }
  } catch (error) {
    failed = true;
    found.push(toFinding(check, error));
  } finally {
    context.signal.removeEventListener('abort', onAbort);
  }
  const isBlind = found.length > 0 && found.every(({ severity }) => severity === 'unchecked');
  const kept = found
    .toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity))
    .slice(0, findingLimit);
  if (found.length > kept.length) {
    const problem = `${found.length - kept.length} more findings of this check are not shown`;
    kept.push({ code: uncheckedCode, severity: 'unchecked', object: check.title, problem });
  }
  const findings = kept.map((finding) => ({ check: check.name, ...finding }));
  return { findings, isDone: !isBlind || (!failed && reads > 0) };
}

/** Counts objects and lists that were read. Reviews do not count: each user may ask for those of itself. */
function countingReader(api: ClusterReader, onRead: () => void): ClusterReader {
  const counted = async <T>(pending: Promise<T>): Promise<T> => {
    const result = await pending;
    onRead();
    return result;
  };
  return {
    ...api,
    get: (path, query) => counted(api.get(path, query)),
    list: (path, options) => counted(api.list(path, options)),
    async *pages(path, pageSize) {
      for await (const page of api.pages(path, pageSize)) {
        onRead();
        yield page;
      }
    },
  };
}

function toFinding({ title }: Check, error: unknown): Finding {
  if (error instanceof UncheckedError) return error.toFinding();
  const problem = `the check failed: ${foreignText(describeError(error))}`;
  return { code: uncheckedCode, severity: 'unchecked', object: title, problem };
}

function resultOf(findings: readonly Finding[]): CheckSummary['result'] {
  for (const severity of severities) {
    if (severity !== 'note' && findings.some((finding) => finding.severity === severity)) return severity;
  }
  return 'ok';
}

/** Keeps the lines of a remedy: they are commands. */
function printable(finding: ReportedFinding): ReportedFinding {
  const clean = withoutSecrets(finding) as ReportedFinding;
  if (finding.remedy === undefined) return clean;
  const lines = finding.remedy.split('\n').map((line) => withoutSecrets(line));
  return { ...clean, remedy: lines.join('\n') };
}

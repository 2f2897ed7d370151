/** `kubegauge doctor`: examines a cluster's metrics.k8s.io, and prints what is wrong and what ends it. */
import { StatusError } from '../apimachinery/status.ts';
import { allChecks } from '../doctor/checks.ts';
import { examine } from '../doctor/examination.ts';
import { examinationText, type OutputFormat, outputFormats } from '../doctor/examinationtext.ts';
import { foreignText } from '../foreigntext.ts';
import { type MessageCode, withPage } from '../messagecodes.ts';
import { parseCommandLine, UsageError } from '../options/parse.ts';
import { rejectedCredentials } from '../view/viewerror.ts';
import { type Environment, findApiServerAsKubectl, isInPod } from './apiserver.ts';
import { failureOf } from './failure.ts';

/** Exit codes: no error among the findings; at least one; the cluster could not be asked, no check could look, or a usage error. */
export const doctorExitCodes = { well: 0, errors: 1, failed: 2 } as const;

/**
 * Returns the exit code.
 * @param argv names of checks, `-o table|json|yaml`, and flags of the server.
 * @throws UsageError.
 */
export async function runDoctor(argv: readonly string[], env: Environment): Promise<number> {
  const { format, rest } = takeOutput(argv);
  const { options, ignored } = parseCommandLine(rest);
  const names = ignored.filter((word) => !word.startsWith('-'));
  const unknown = names.filter((name) => !allChecks.some((check) => check.name === name));
  if (unknown.length > 0) {
    const known = allChecks.map(({ name }) => name).join(', ');
    throw new UsageError({
      code: 'UnknownCommand',
      text: `no check is named ${unknown.join(', ')}; there are ${known}`,
    });
  }
  const checks = allChecks.filter(({ name }) => names.length === 0 || names.includes(name));
  try {
    const server = await findApiServerAsKubectl(options.kubeconfig, env);
    const examination = await examine(checks, { server, options, place: isInPod(env) ? 'pod' : 'outside' });
    process.stdout.write(examinationText(examination, format));
    if (!examination.examined) {
      return notExamined('no check could look; its findings say why');
    }
    const hasErrors = examination.findings.some(({ severity }) => severity === 'error');
    return hasErrors ? doctorExitCodes.errors : doctorExitCodes.well;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code, text } = failureOf(error, 'ClusterNotExamined');
    const isRejected = error instanceof StatusError && error.code === 401 && !isInPod(env);
    return notExamined(isRejected ? `${rejectedCredentials}: ${text}` : text, code);
  }
}

function notExamined(why: string, code: MessageCode = 'ClusterNotExamined'): number {
  const text = `the cluster cannot be examined: ${foreignText(why)}`;
  process.stderr.write(`kubegauge: ${withPage({ code, text })}\n`);
  return doctorExitCodes.failed;
}

/** Returns the lines of `doctor --help` that name the checks. */
export function checkLines(): readonly string[] {
  const width = Math.max(...allChecks.map(({ name }) => name.length));
  return allChecks.map(({ name, title }) => `  ${name.padEnd(width)}  ${title}`);
}

/** Takes -o and --output, which kubectl's users expect and the server does not have. */
function takeOutput(argv: readonly string[]): { readonly format: OutputFormat; readonly rest: readonly string[] } {
  const rest: string[] = [];
  let given: string | undefined;
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    const match = /^(?:-o|--output)(?:=?(.+))?$/s.exec(word);
    if (match === null) rest.push(word);
    else if (match[1] === undefined) given = argv[(index += 1)] ?? '';
    else given = match[1];
  }
  const format = outputFormats.find((each) => each === (given ?? 'table'));
  if (format === undefined) {
    throw new UsageError({ code: 'InvalidFlagValue', text: `-o ${given}: must be one of ${outputFormats.join(', ')}` });
  }
  return { format, rest };
}

/** `kubegauge rules check <file>`: explains a file of rules, and asks an engine what they find. */
import { readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import { foreignText } from '../foreigntext.ts';
import { describeError } from '../logging.ts';
import { withPage } from '../messagecodes.ts';
import { UsageError } from '../options/parse.ts';
import { rulesInConfigMap } from '../rules/configmap.ts';
import { explainRules } from '../rules/explanation.ts';
import { knownResources, withOverrides } from '../rules/knownresources.ts';
import { type RuleProblem, RulesError } from '../rules/problem.ts';
import type { Rules } from '../rules/rule.ts';
import { parseRules } from '../rules/rules.ts';
import { readRulesArguments } from './rulesarguments.ts';
import { type RulesReport, rulesText } from './rulestext.ts';

/** Exit codes: the file loads, and an engine that was asked answered; it does not, or a query is refused; nothing could be checked. */
export const rulesExitCodes = { well: 0, wrong: 1, failed: 2 } as const;

/**
 * Returns the exit code.
 * @param argv behind `rules`.
 * @throws UsageError.
 */
export async function runRules(argv: readonly string[]): Promise<number> {
  const { file, output, engine } = readRulesArguments(argv);
  try {
    const report = await check(file);
    if (engine !== undefined && report.rules !== undefined) {
      const { askEngine } = await import('./rulesengine.ts');
      report.asked = await askEngine(report.rules, engine);
    }
    process.stdout.write(rulesText(report, output));
    return exitCodeOf(report);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const text = `the rules cannot be checked: ${foreignText(describeError(error))}`;
    process.stderr.write(`kubegauge: ${withPage({ code: 'RulesNotChecked', text })}\n`);
    return rulesExitCodes.failed;
  }
}

function exitCodeOf({ problems, asked }: RulesReport): number {
  if (problems.length > 0) return rulesExitCodes.wrong;
  const errors = (asked?.rules ?? []).flatMap(({ errors }) => errors);
  if (errors.length === 0) return rulesExitCodes.well;
  return errors.every(({ isUnavailable }) => isUnavailable) ? rulesExitCodes.failed : rulesExitCodes.wrong;
}

async function check(file: string): Promise<RulesReport> {
  const given = file === '-' ? await readAll(process.stdin) : readFileSync(file, 'utf8');
  const embedded = rulesInConfigMap(given);
  const name = file === '-' ? 'standard input' : file;
  const place = embedded === undefined ? name : `${name}, data["${embedded.key}"]`;
  const parsed = parse(embedded?.text ?? given);
  if ('problems' in parsed) return { file: place, rules: undefined, explanations: [], notes: [], ...parsed };
  const { rules } = parsed;
  const explanations = explainRules(rules, (rule) => withOverrides(knownResources, rule));
  const explained = new Set(explanations.flatMap(({ notes }) => notes));
  const notes = rules.notes.filter((note) => !explained.has(note));
  if (explanations.length === 0) notes.push(noRules);
  return { file: place, rules, explanations, notes, problems: [] };
}

/** A wrong key of a ConfigMap leaves an empty file, which is valid. */
const noRules: RuleProblem = {
  line: 1,
  path: '',
  problem: 'the file has neither rules nor externalRules, so no metric is served by it',
  remedy: 'if it comes from a ConfigMap, look at the name of its key: kubectl get configmap <name> -o yaml',
};

function parse(text: string): { readonly rules: Rules } | { readonly problems: readonly RuleProblem[] } {
  try {
    return { rules: parseRules(text) };
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    const isChart = error.problems.some(({ path }) => path === 'rules.custom' || path === 'rules.default');
    const isMapping = error.problems.some(({ path, problem }) => path === 'rules' && problem.endsWith('a mapping'));
    if (!isChart && !isMapping) return { problems: error.problems };
    const remedy =
      'if these are values of the Helm chart, check the ConfigMap that it makes: kubectl get configmap <name> -o yaml';
    return { problems: error.problems.map((each) => (each.path === 'rules' ? { ...each, remedy } : each)) };
  }
}

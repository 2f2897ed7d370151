/** `kubegauge rules check <file>`: explains a file of rules, and asks an engine what they find. */
import { readResources } from '../client/resourcediscovery.ts';
import { createRestClient } from '../client/rest.ts';
import { createResourceIndex } from '../metricsource/resourceindex.ts';
import { systemResolver } from '../dns/systemresolver.ts';
import { foreignText } from '../foreigntext.ts';
import { describeError } from '../logging.ts';
import { withPage } from '../messagecodes.ts';
import type { Mapper } from '../metricsource/described.ts';
import { UsageError } from '../options/parse.ts';
import { rulesInConfigMap } from '../rules/configmap.ts';
import { explainRules } from '../rules/explanation.ts';
import { knownResources, withOverrides } from '../rules/knownresources.ts';
import { type RuleProblem, RulesError } from '../rules/problem.ts';
import type { MetricRule, Rules } from '../rules/rule.ts';
import { parseRules } from '../rules/rules.ts';
import { unknownResources } from '../rules/unknownresources.ts';
import { type Environment, findApiServer } from './apiserver.ts';
import { readRulesArguments } from './rulesarguments.ts';
import { readRulesInput } from './rulesinput.ts';
import { type RulesReport, rulesText } from './rulestext.ts';

/** Milliseconds until the whole discovery of a cluster has been read. */
const discoveryTimeoutMs = 30_000;

/** Exit codes: the file loads, and an engine that was asked answered; it does not, or a query is refused; nothing could be checked. */
const rulesExitCodes = { well: 0, wrong: 1, failed: 2 } as const;

/**
 * Returns the exit code.
 * @param argv behind `rules`.
 * @throws UsageError.
 */
export async function runRules(argv: readonly string[], env: Environment): Promise<number> {
  const { file, output, engines, kubeconfig } = readRulesArguments(argv);
  try {
    const cluster = kubeconfig === undefined ? undefined : await readCluster(kubeconfig, env);
    const mapperOf = (rule: MetricRule) => cluster ?? withOverrides(knownResources, rule);
    const report = await check(file, mapperOf, cluster);
    if (engines.length > 0 && report.rules !== undefined) {
      const { askEngines } = await import('./rulesengine.ts');
      report.asked = await askEngines(report.rules, engines, mapperOf, env);
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
  const errors = [...(asked?.rules ?? []), ...(asked?.resourceQueries ?? [])].flatMap(({ errors }) => errors);
  if (errors.length === 0) return rulesExitCodes.well;
  return errors.every(({ isUnavailable }) => isUnavailable) ? rulesExitCodes.failed : rulesExitCodes.wrong;
}

/** Returns the cluster's resources. @throws Error */
async function readCluster(kubeconfig: string, env: Environment): Promise<Mapper> {
  const apiServer = await findApiServer(kubeconfig, env);
  using resolver = systemResolver();
  await using rest = createRestClient(apiServer, { resolve: resolver.resolveFirst });
  return createResourceIndex(await readResources(rest, AbortSignal.timeout(discoveryTimeoutMs)));
}

/** @param cluster its resources, if it was asked. */
async function check(
  file: string,
  mapperOf: (rule: MetricRule) => Mapper,
  cluster: Mapper | undefined,
): Promise<RulesReport> {
  const given = await readRulesInput(file);
  const embedded = rulesInConfigMap(given);
  const name = file === '-' ? 'standard input' : file;
  const place = embedded === undefined ? name : `${name}, data["${embedded.key}"]`;
  const parsed = parse(embedded?.text ?? given);
  if ('problems' in parsed) return { file: place, rules: undefined, explanations: [], notes: [], ...parsed };
  const { rules } = parsed;
  const missing = cluster === undefined ? [] : unknownResources(rules, cluster);
  const explanations = explainRules({ ...rules, notes: [...rules.notes, ...missing] }, mapperOf);
  const explained = new Set(explanations.flatMap(({ notes }) => notes));
  const notes = rules.notes.filter((note) => !explained.has(note));
  if (explanations.length === 0 && rules.resource === undefined) notes.push(noRules);
  return { file: place, rules, explanations, notes, problems: [] };
}

/** A wrong key of a ConfigMap leaves an empty file, which is valid. */
const noRules: RuleProblem = {
  line: 1,
  path: '',
  problem: 'rules, externalRules and resourceRules are missing or empty, so the file gives no metric',
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

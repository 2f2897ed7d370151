/** Reads the rules of --config, and follows the file. */
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { UsageError } from '../options/parse.ts';
import { unknownSources } from '../prometheussource/prometheussource.ts';
import { problemText, type RuleProblem, RulesError } from '../rules/problem.ts';
import { resourceRulesProblems } from '../rules/resourcequeries.ts';
import type { MetricRule, Rules } from '../rules/rule.ts';
import { parseRules } from '../rules/rules.ts';
import { fixedNameOf } from '../rules/seriesmetrics.ts';
import { watchFile } from '../watchedfile.ts';

/** Milliseconds. A ConfigMap reaches a pod within a minute. */
const lookMs = 5_000;
/** Bytes; etcd holds no larger ConfigMap. */
const rulesLimitBytes = 4 * 1024 * 1024;

export interface RulesFileOptions {
  readonly path: string;
  /** Names of --prometheus-url. */
  readonly sources: readonly string[];
  /** Reports whether another source of ours has a custom metric of this name. */
  readonly isTaken: (metric: string) => boolean;
  /** Whether metrics.k8s.io comes from resourceRules (--resource-metrics=prometheus). */
  readonly needsResourceRules: boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface RulesFile {
  readonly first: Rules;
  /** Calls the listener with later rules until the signal aborts; never rejects. */
  run(onRules: (rules: Rules) => void, signal: AbortSignal): Promise<void>;
}

/** @throws UsageError for a file that cannot be read or has problems, with all of them. */
export function openRulesFile(options: RulesFileOptions): RulesFile {
  const { path, needsResourceRules, clock, log } = options;
  const file = watchFile({
    path,
    what: '--config',
    remedy: 'is the ConfigMap mounted there?',
    parse,
    isConfirmed: true,
    maxAgeMs: Infinity,
    limitBytes: rulesLimitBytes,
    clock,
  });
  let isRead = false;
  const first = readFirst();
  logNotes(first);
  return { first, run };

  function parse(text: string): Rules {
    // Who writes it may have emptied it first.
    if (isRead && text.trim() === '') throw new RulesError([emptied]);
    return parseKnown(text, options);
  }

  function readFirst(): Rules {
    try {
      const rules = file.read();
      isRead = true;
      return rules;
    } catch (error) {
      throw new UsageError(...problemsOf(error, path).map((text) => ({ code: 'RulesUnusable', text }) as const));
    }
  }

  async function run(onRules: (rules: Rules) => void, signal: AbortSignal): Promise<void> {
    let current = first;
    let lastProblem = '';
    while (!signal.aborted) {
      await clock.sleep(lookMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      const problem = reload();
      if (problem !== '' && problem !== lastProblem) {
        log.error(
          { code: 'RulesNotReplaced', config: path, problem },
          'the changed rules cannot be used; the previous ones stay in force',
        );
      }
      lastProblem = problem;
      const next = file.read();
      if (next === current) continue;
      current = next;
      log.info({ config: path, rules: next.custom.length, externalRules: next.external.length }, 'uses changed rules');
      logNotes(next);
      onRules(next);
    }
  }

  /** Returns what is wrong; empty if nothing is. */
  function reload(): string {
    try {
      file.reload();
      return '';
    } catch (error) {
      return problemsOf(error, path).join('; ');
    }
  }

  function logNotes({ notes, resource }: Rules): void {
    for (const note of notes)
      log.warn({ code: 'RuleDoubtful', config: path, note: problemText(note) }, 'a rule may surprise');
    if (resource === undefined || needsResourceRules) return;
    log.info(
      { config: path },
      'resourceRules have no effect: metrics.k8s.io comes from kubelets; --resource-metrics=prometheus uses them',
    );
  }
}

const emptied = { line: 1, path: '', problem: 'the file is empty now', remedy: 'write rules: [] to have none' };

function parseKnown(text: string, { sources, isTaken, needsResourceRules }: RulesFileOptions): Rules {
  const rules = parseRules(text);
  const problems = [
    ...unknownSources(needsResourceRules ? rules : { ...rules, resource: undefined }, sources),
    ...rules.custom.flatMap((rule) => takenName(rule, isTaken)),
    ...(needsResourceRules ? unusableResourceRules(rules) : []),
  ];
  if (problems.length > 0) throw new RulesError(problems);
  return rules;
}

function unusableResourceRules({ resource }: Rules): readonly RuleProblem[] {
  if (resource !== undefined) return resourceRulesProblems(resource);
  const problem = 'the file has none, and --resource-metrics=prometheus needs them';
  return [{ line: 1, path: 'resourceRules', problem, remedy: 'add them, or use --resource-metrics=kubelet' }];
}

/**
 * Returns a problem for a metric that two sources would have: the autoscaler would get the first one's numbers. Names
 * that depend on series are logged when they come.
 */
function takenName(rule: MetricRule, isTaken: RulesFileOptions['isTaken']): readonly RuleProblem[] {
  const name = fixedNameOf(rule);
  if (name === undefined || !isTaken(name)) return [];
  const problem = `--custom-metrics=kubelet serves the metric ${name}, too`;
  return [{ line: rule.line, path: rule.path, problem, remedy: 'name it otherwise by name.as, or remove the rule' }];
}

function problemsOf(error: unknown, path: string): readonly string[] {
  const found = problemsIn(error);
  if (found !== undefined) return found.problems.map((problem) => `--config=${path}: ${problemText(problem)}`);
  return [error instanceof Error ? error.message : String(error)];
}

/** Searches causes, too. */
function problemsIn(error: unknown): RulesError | undefined {
  if (error instanceof RulesError) return error;
  return error instanceof Error && error.cause !== undefined ? problemsIn(error.cause) : undefined;
}

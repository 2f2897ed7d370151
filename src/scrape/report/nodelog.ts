/** Logs changes of one node, not each scrape. */
import type { NodeInfo } from '../../cluster/nodes.ts';
import { type Explanation, inOneLine } from '../../kubelet/explain/explanation.ts';
import type { Logger } from '../../logging.ts';
import type { ScrapeOutcome } from '../source/target.ts';

export interface NodeLog {
  /**
   * @param skew set if the node's clock is wrong.
   * @param hasStepped whether it was set since the previous scrape.
   */
  report(node: NodeInfo, outcome: ScrapeOutcome, skew: Explanation | undefined, hasStepped: boolean): void;
}

export function createNodeLog(log: Logger): NodeLog {
  let previous: string | undefined;
  let hadSkew = false;
  let hadStepped = false;

  return { report };

  function report(node: NodeInfo, outcome: ScrapeOutcome, skew: Explanation | undefined, hasStepped: boolean): void {
    reportOutcome(node, outcome);
    if (skew !== undefined && !hadSkew) {
      log.warn({ node: node.name, code: skew.code, reason: inOneLine(skew) }, 'a clock is wrong');
    }
    hadSkew = skew !== undefined;
    if (hasStepped && !hadStepped) {
      log.warn(
        { code: 'NodeClockSet', node: node.name },
        'the clock of a node was set; its last usages are served until there are two newer samples',
      );
    }
    hadStepped = hasStepped;
  }

  function reportOutcome(node: NodeInfo, outcome: ScrapeOutcome): void {
    const level = node.ready && !hasNoKubelet(node) ? 'warn' : 'debug';
    const state = stateOf(outcome, level);
    if (state === previous) return;
    if (outcome.kind === 'failed') {
      const { why } = outcome;
      log[level]({ node: node.name, code: why.code, reason: inOneLine(why) }, 'cannot scrape node');
    } else if (outcome.fallback !== undefined) {
      log[level](
        { code: 'NodeOnFallback', node: node.name, reason: outcome.fallback },
        'node is served from /metrics/resource',
      );
    } else if (previous !== undefined) log.info({ node: node.name }, 'node is scraped again');
    previous = state;
  }
}

/** Returns a failure's code: addresses and offsets in its text vary from scrape to scrape. */
function stateOf(outcome: ScrapeOutcome, level: string): string | undefined {
  if (outcome.kind === 'failed') return `${level}: failed: ${outcome.why.code}`;
  return outcome.fallback === undefined ? undefined : `${level}: ${outcome.fallback}`;
}

/** Reports whether failures need no attention, as the node has no kubelet. */
function hasNoKubelet(node: NodeInfo): boolean {
  return (
    node.labels.get('type') === 'virtual-kubelet' || node.labels.get('eks.amazonaws.com/compute-type') === 'fargate'
  );
}

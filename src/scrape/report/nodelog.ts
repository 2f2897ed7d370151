/** Tells the log what has changed about one node: a line per change, not per scrape. */
import type { NodeInfo } from '../../cluster/nodes.ts';
import { type Explanation, inOneLine } from '../../kubelet/explain/explanation.ts';
import type { Logger } from '../../logging.ts';
import type { ScrapeOutcome } from '../source/target.ts';

export interface NodeLog {
  /**
   * @param skew where the node's clock is wrong.
   * @param hasStepped whether it was set since the scrape before.
   */
  tell(node: NodeInfo, outcome: ScrapeOutcome, skew: Explanation | undefined, hasStepped: boolean): void;
}

export function createNodeLog(log: Logger): NodeLog {
  let told: string | undefined;
  let skewTold = false;
  let stepTold = false;

  return { tell };

  function tell(node: NodeInfo, outcome: ScrapeOutcome, skew: Explanation | undefined, hasStepped: boolean): void {
    tellOutcome(node, outcome);
    if (skew !== undefined && !skewTold) log.warn({ node: node.name, reason: inOneLine(skew) }, 'a clock is wrong');
    skewTold = skew !== undefined;
    if (hasStepped && !stepTold)
      log.warn({ node: node.name }, 'the clock of a node was set; its usage is kept until there are two newer samples');
    stepTold = hasStepped;
  }

  function tellOutcome(node: NodeInfo, outcome: ScrapeOutcome): void {
    const level = node.ready && !hasNoKubelet(node) ? 'warn' : 'debug';
    const state = stateOf(outcome, level);
    if (state === told) return;
    if (outcome.kind === 'failed') {
      log[level]({ node: node.name, reason: inOneLine(outcome.why) }, 'cannot scrape node');
    } else if (outcome.fallback !== undefined) {
      log[level]({ node: node.name, reason: outcome.fallback }, 'node is served from /metrics/resource');
    } else if (told !== undefined) log.info({ node: node.name }, 'node is scraped again');
    told = state;
  }
}

/** What is worth a line when it changes. Not the words of a failure: they name addresses and offsets, which change by themselves. */
function stateOf(outcome: ScrapeOutcome, level: string): string | undefined {
  if (outcome.kind === 'failed') return `${level}: failed: ${outcome.why.code}`;
  return outcome.fallback === undefined ? undefined : `${level}: ${outcome.fallback}`;
}

/** Nodes without a kubelet of their own have no metrics for a good reason; nobody should be woken for them. */
function hasNoKubelet(node: NodeInfo): boolean {
  return (
    node.labels.get('type') === 'virtual-kubelet' || node.labels.get('eks.amazonaws.com/compute-type') === 'fargate'
  );
}

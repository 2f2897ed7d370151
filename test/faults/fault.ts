/** Describes a fault: where it strikes, how it is made, and what it may cost our clients. */
import type { LabNode } from './labnode.ts';
import type { Lab } from './lab.ts';
import type { Looker } from './watcher.ts';

interface Stated {
  readonly name: string;
  /** Whether it is in the part that takes less than six minutes. */
  readonly ci: boolean;
  /** How many seconds our answer may be away; default 0. */
  readonly awaySeconds?: number;
  /** By how many bytes our resident memory may grow; default: not looked at. */
  readonly growthMegabytes?: number;
}

/** Strikes one node. */
export interface NodeFault extends Stated {
  readonly strikes: 'node';
  /** Whether others may be made at the same time, on other nodes: it delays no other node's data, also of the real server. */
  readonly together: boolean;
  /** Resolves when the fault is over and both servers have met it. @throws Error when one has not. */
  inject(node: LabNode, lab: Lab): Promise<void>;
}

/** Strikes all nodes, or none of them but what the servers need beside them. */
export interface WideFault extends Stated {
  readonly strikes: 'all' | 'none';
  /** Who looks at the servers; default: an administrator, who needs no review. */
  readonly looker?: Looker;
  /** Flags of our server for this fault, beside its usual ones. */
  readonly oursArgs?: readonly string[];
  inject(lab: Lab): Promise<void>;
}

export type Fault = NodeFault | WideFault;

/** A node that nothing strikes. */
export const steadyNode = 'steady';

/** Each fault has a node of its own, so that nothing is left of an earlier one. */
export function nodeOf(faults: readonly Fault[], fault: Fault): string {
  return `node-${faults.indexOf(fault)}`;
}

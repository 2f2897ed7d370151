/** Says in an error why there is no usage of an object that exists. */
import type { StatusCause } from '../apimachinery/meta.ts';
import { type GroupResource, notFound, type StatusError } from '../apimachinery/status.ts';
import type { UsageOrReason, Missing } from '../sample/point.ts';
import { group } from './types.ts';

/** Why a node's kubelet cannot be read right now, in one stable word; undefined where it can. More is told at /status, to fewer people. */
export type NodeTrouble = (node: string) => string | undefined;

/** A cause's reason and what it means, in the words of who asks for a pod or a node. */
const words: Readonly<Record<Missing, readonly [reason: string, message: string]>> = {
  'never-scraped': ['NotReported', 'no kubelet has told of it yet'],
  'one-sample': [
    'OneSample',
    'it was sampled once; usage is told from the second sample on, and kubelets take one each 10 to 30 s',
  ],
  restarted: ['Restarted', 'a container was started anew; its usage is told from its second sample on'],
  stale: ['Stale', 'no newer sample has come, and the last one is too old to be told'],
  conflict: ['Conflict', 'several kubelets report it, and the API does not say which of their nodes it runs on'],
  'other-uid': ['OtherPod', 'kubelets tell only of an earlier pod of this name'],
};

/** @param resource as metrics-server names it in this error. */
export function noUsage(
  resource: string,
  name: string,
  { reason, node }: UsageOrReason<unknown> & { readonly kind: 'missing' },
  troubleOf: NodeTrouble,
): StatusError {
  const of: GroupResource = { group, resource };
  const [code, message] = words[reason];
  const causes: StatusCause[] = [{ reason: code, message }];
  const trouble = node === undefined ? undefined : troubleOf(node);
  if (node !== undefined && trouble !== undefined) {
    causes.push({ reason: trouble, message: `the last scrape of node ${node} failed; /status tells why` });
  }
  return notFound(of, name, causes);
}

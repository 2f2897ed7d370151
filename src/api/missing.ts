/** The 404 for an object without usage: its causes say why. */
import type { StatusCause } from '../apimachinery/meta.ts';
import { type GroupResource, notFound, type StatusError } from '../apimachinery/status.ts';
import type { UsageOrReason, Missing } from '../sample/point.ts';
import { group } from './types.ts';

/** Returns the code of the last scrape's failure. /status has the details, behind a right of its own. */
export type NodeTrouble = (node: string) => string | undefined;

/** Reason and message by what is missing; docs/troubleshooting.md lists them. */
export const missingCauses: Readonly<Record<Missing, readonly [reason: string, message: string]>> = {
  'never-scraped': ['NotReported', 'no kubelet has reported it yet'],
  'one-sample': ['OneSample', 'it has one sample; usage needs a second one, and kubelets take one every 10 to 30 s'],
  restarted: ['Restarted', 'a container restarted; its usage needs a second sample'],
  stale: ['Stale', 'there is no newer sample, and the last one is too old to be served'],
  conflict: ['Conflict', 'several kubelets report it, and the API does not say which of their nodes it runs on'],
  'other-uid': ['OtherPod', 'kubelets report only an earlier pod of this name'],
};

/** @param resource as in metrics-server's error. */
export function noUsage(
  resource: string,
  name: string,
  { reason, node }: UsageOrReason<unknown> & { readonly kind: 'missing' },
  troubleOf: NodeTrouble,
): StatusError {
  const of: GroupResource = { group, resource };
  const [code, message] = missingCauses[reason];
  const causes: StatusCause[] = [{ reason: code, message }];
  const trouble = node === undefined ? undefined : troubleOf(node);
  if (node !== undefined && trouble !== undefined) {
    causes.push({ reason: trouble, message: `the last scrape of node ${node} failed; see /status` });
  }
  return notFound(of, name, causes);
}

/** Of a source that is asked per request: the message is the source's. */
export const noSampleReason = 'NoSample';

/** Returns the 404 for an object of which a source has no sample. @param resource as in metrics-server's error. */
export function noSample(resource: string, name: string, message: string): StatusError {
  return notFound({ group, resource }, name, [{ reason: noSampleReason, message }]);
}

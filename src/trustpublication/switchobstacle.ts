/** Finds what would fail if kube-apiserver began to verify: pods without a staged root, and endpoints that are no pods of the Service. */
import type { BundleCode } from '../messagecodes.ts';
import { bundleStates } from './bundlestates.ts';
import { podsWithoutRoot, type ServicePod } from './servicepods.ts';

export interface SwitchObstacle {
  readonly code: BundleCode;
  /** One sentence for the log and `/status`. */
  readonly state: string;
  /** `warn` where only an operator can remove it. */
  readonly level: 'info' | 'warn';
}

/** What is behind the Service. */
export interface ServiceBackends {
  /** The pods that it selects, of all phases. */
  readonly pods: readonly ServicePod[];
  /** Endpoints of the Service that get requests and are none of its pods, in words; undefined where EndpointSlices may not be listed. */
  readonly addedEndpoints: readonly string[] | undefined;
}

/** @param staged UIDs of pods with a staged root. @param template of our own pod. */
export function switchObstacle(
  { pods, addedEndpoints }: ServiceBackends,
  staged: ReadonlySet<string>,
  template: string | undefined,
): SwitchObstacle | undefined {
  const missing = podsWithoutRoot(pods, staged, template).map(({ pod }) => pod);
  if (missing.length > 0) {
    const state = `verification begins when these pods have staged a root or are gone: ${listed(missing)}`;
    return { code: 'VerificationWaits', state, level: 'info' };
  }
  // Nothing stages a root for them, so waiting does not end by itself.
  if (addedEndpoints === undefined) return { ...bundleStates.endpointsUnreadable, level: 'warn' };
  if (addedEndpoints.length === 0) return undefined;
  const state = `verification begins when these endpoints of the Service, which are none of its pods, are gone: ${listed(addedEndpoints)}`;
  return { code: 'EndpointByHand', state, level: 'warn' };
}

/** Pods or endpoints named in a log line. */
const namedLimit = 5;

function listed(names: readonly string[]): string {
  const more = names.length > namedLimit ? ` and ${names.length - namedLimit} more` : '';
  return `${names.slice(0, namedLimit).join(', ')}${more}`;
}

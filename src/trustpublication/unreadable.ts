/** Decides about readiness without the right to read the APIService: whether kube-apiserver verifies is not known then. */
import { StatusError } from '../apimachinery/status.ts';
import { unreadableState } from './bundlestates.ts';
import { blockedRetryMs, type Decision } from './publicationdecision.ts';
import { type BackendSource, NoSelectorError } from './servicebackends.ts';
import { readyPodBeside, type ServicePod } from './servicepods.ts';

type UnreadDecision = Pick<Decision, 'ready' | 'level' | 'code' | 'state' | 'againMs'>;

/** Returns the decision of a pod that may be ready although the APIService of this name may not be read. */
export function readyUnread(apiService: string): UnreadDecision {
  return { ready: true, level: 'info', ...unreadableState(apiService), againMs: undefined };
}

/**
 * Returns whether our pod may be ready. If kube-apiserver verifies, requests to a pod whose root is not in the bundle fail,
 * so it is not ready while another pod serves.
 * @throws Error if kube-apiserver does not answer.
 */
export async function readinessUnread(
  apiService: string,
  source: BackendSource,
  ownUid: string,
  signal: AbortSignal,
): Promise<UnreadDecision> {
  const beside = readyPodBeside(await podsBehind(source, signal), ownUid);
  if (beside === undefined) return readyUnread(apiService);
  const { code, state } = unreadableState(apiService);
  const why = `Not ready while ${beside.pod} serves: kube-apiserver may verify`;
  return { ready: false, level: 'warn', code, state: `${state}. ${why}`, againMs: blockedRetryMs };
}

/** Returns no pods where they may not be read, or cannot be known; rethrows other errors. */
async function podsBehind(source: BackendSource, signal: AbortSignal): Promise<readonly ServicePod[]> {
  try {
    return (await source.behindService(signal)).pods;
  } catch (error) {
    if (error instanceof NoSelectorError) return [];
    if (error instanceof StatusError && (error.code === 403 || error.code === 404)) return [];
    throw error;
  }
}

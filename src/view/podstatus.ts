/** Computes STATUS and RESTARTS of `kubectl get pods`: printPod in kubernetes/pkg/printers/internalversion/printers.go, as of 1.37. */
import { conditionOf } from '../client/conditions.ts';
import { field, items, text } from '../client/json.ts';
import { hasEnded, isSidecar } from '../doctor/pods/podfacts.ts';
import { sumOf } from './resources.ts';

/** Returns the status of a Pod, such as Running, OOMKilled, Init:1/2. */
export function podStatusOf(pod: unknown): string {
  const status = field(pod, 'status');
  const phase = text(field(status, 'phase')) || 'Unknown';
  const ownReason = text(field(status, 'reason')) || undefined;
  if (field(field(pod, 'metadata'), 'deletionTimestamp') !== undefined) {
    if (ownReason === 'NodeLost') return 'Unknown';
    if (!hasEnded({ phase })) return 'Terminating';
  }
  const gate = conditionOf(pod, 'PodScheduled')?.reason === schedulingGated ? schedulingGated : undefined;
  const { initializing, isInitialized } = initOf(pod);
  return (isInitialized ? containersStatusOf(pod) : undefined) ?? initializing ?? gate ?? ownReason ?? phase;
}

/** Returns how often containers of a Pod restarted: init containers count until they have done their part, sidecars always. */
export function podRestartsOf(pod: unknown): number {
  const { isInitialized, seen, sidecars } = initOf(pod);
  const counted = isInitialized
    ? [
        ...seen.filter((status) => sidecars.has(field(status, 'name'))),
        ...items(field(field(pod, 'status'), 'containerStatuses')),
      ]
    : seen;
  return sumOf(counted.map((status) => Number(field(status, 'restartCount') ?? 0)));
}

interface InitContainers {
  /** The status by the first init container that has not done its part; undefined if there is none. */
  readonly initializing: string | undefined;
  readonly isInitialized: boolean;
  /** Statuses of init containers, up to that one. */
  readonly seen: readonly unknown[];
  /** Names. */
  readonly sidecars: ReadonlySet<unknown>;
}

const schedulingGated = 'SchedulingGated';

function initOf(pod: unknown): InitContainers {
  const specs = items(field(field(pod, 'spec'), 'initContainers'));
  const sidecars = new Set(specs.filter(isSidecar).map((spec) => field(spec, 'name')));
  const statuses = items(field(field(pod, 'status'), 'initContainerStatuses'));
  for (const [index, status] of statuses.entries()) {
    const terminated = field(field(status, 'state'), 'terminated');
    if (terminated !== undefined && isZero(field(terminated, 'exitCode'))) continue;
    if (sidecars.has(field(status, 'name')) && field(status, 'started') === true) continue;
    const waiting = text(field(field(field(status, 'state'), 'waiting'), 'reason')) || 'PodInitializing';
    const step = waiting === 'PodInitializing' ? `${index}/${specs.length}` : waiting;
    return {
      initializing: `Init:${terminated === undefined ? step : endOf(terminated)}`,
      isInitialized: conditionOf(pod, 'Initialized')?.status === 'True',
      seen: statuses.slice(0, index + 1),
      sidecars,
    };
  }
  return { initializing: undefined, isInitialized: true, seen: statuses, sidecars };
}

/** Returns the status by the first container that does not run; undefined if all do. */
function containersStatusOf(pod: unknown): string | undefined {
  const statuses = items(field(field(pod, 'status'), 'containerStatuses'));
  const [status] = statuses.flatMap((each) => stopOf(field(each, 'state')) ?? []);
  const isRunning = (each: unknown) =>
    field(each, 'ready') === true && field(field(each, 'state'), 'running') !== undefined;
  if (status !== 'Completed' || !statuses.some(isRunning)) return status;
  return conditionOf(pod, 'Ready')?.status === 'True' ? 'Running' : 'NotReady';
}

function stopOf(state: unknown): string | undefined {
  const terminated = field(state, 'terminated');
  return text(field(field(state, 'waiting'), 'reason')) || (terminated === undefined ? undefined : endOf(terminated));
}

/** Go omits numbers that are 0. */
const isZero = (value: unknown): boolean => value === undefined || value === 0;

function endOf(terminated: unknown): string {
  const reason = text(field(terminated, 'reason'));
  if (reason) return reason;
  const [signal, exitCode] = [field(terminated, 'signal'), field(terminated, 'exitCode')];
  return isZero(signal) ? `ExitCode:${Number(exitCode ?? 0)}` : `Signal:${Number(signal)}`;
}

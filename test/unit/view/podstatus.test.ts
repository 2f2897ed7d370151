/** The status of pods is the word that `kubectl get pods` has for them: cases of kubectl's printPod. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { podRestartsOf, podStatusOf } from '../../../src/view/podstatus.ts';

const metadata = { namespace: 'shop', name: 'web-0' };
const running = { running: { startedAt: '2026-01-01T00:00:00Z' } };
const waiting = (reason?: string) => ({ waiting: reason === undefined ? {} : { reason } });
const terminated = (fields: object) => ({ terminated: fields });
const ready = { type: 'Ready', status: 'True' };

interface Case {
  readonly phase?: string;
  readonly reason?: string;
  readonly conditions?: readonly object[];
  /** States of containers, and of init containers with what else their status has. */
  readonly containers?: readonly object[];
  readonly init?: readonly object[];
  readonly sidecars?: readonly number[];
  readonly isDeleted?: boolean;
}

function statusOf({ phase = 'Running', reason, conditions = [], containers = [], init = [], ...of }: Case): string {
  const named = (name: string, states: readonly object[]) =>
    states.map((state, at) => ({
      name: `${name}${at}`,
      ...('state' in state ? state : { state, ready: 'running' in state }),
    }));
  const initContainers = init.map((_, at) => ({
    name: `init${at}`,
    ...(of.sidecars?.includes(at) === true ? { restartPolicy: 'Always' } : {}),
  }));
  return podStatusOf({
    metadata: of.isDeleted === true ? { ...metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } : metadata,
    spec: { initContainers },
    status: {
      phase,
      reason,
      conditions,
      containerStatuses: named('app', containers),
      initContainerStatuses: named('init', init),
    },
  });
}

const cases: Readonly<Record<string, readonly [should: string, of: Case]>> = {
  'all run': ['Running', { containers: [running, running] }],
  'there are no containers yet': ['Pending', { phase: 'Pending' }],
  'it has been evicted': ['Evicted', { phase: 'Failed', reason: 'Evicted' }],
  'a gate keeps it from being scheduled': [
    'SchedulingGated',
    { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
  ],
  'the first one waits': [
    'ContainerCreating',
    { phase: 'Pending', containers: [waiting('ContainerCreating'), running] },
  ],
  'one waits without a reason': ['Pending', { phase: 'Pending', containers: [waiting()] }],
  'one of them crashes': ['CrashLoopBackOff', { containers: [running, waiting('CrashLoopBackOff')] }],
  'one of them has failed': ['Error', { containers: [running, terminated({ exitCode: 1, reason: 'Error' })] }],
  'one of them was killed': [
    'OOMKilled',
    { containers: [terminated({ exitCode: 137, reason: 'OOMKilled' }), running] },
  ],
  'several do not run': [
    'Error',
    { containers: [running, terminated({ exitCode: 1, reason: 'Error' }), waiting('CrashLoopBackOff')] },
  ],
  'one ended by a signal': ['Signal:9', { containers: [terminated({ signal: 9, exitCode: 137 })] }],
  'one ended without a reason': ['ExitCode:3', { containers: [terminated({ exitCode: 3 })] }],
  'all have ended well': [
    'Completed',
    { phase: 'Succeeded', containers: [terminated({ exitCode: 0, reason: 'Completed' })] },
  ],
  'one of them has ended well, and the pod is ready': [
    'Running',
    { conditions: [ready], containers: [terminated({ reason: 'Completed' }), running] },
  ],
  'one of them has ended well, and the pod is not ready': [
    'NotReady',
    { containers: [terminated({ reason: 'Completed' }), running] },
  ],
  'an init container runs': [
    'Init:1/2',
    { phase: 'Pending', init: [terminated({ exitCode: 0 }), running], containers: [waiting('PodInitializing')] },
  ],
  'init containers wait for the first': [
    'Init:0/2',
    { phase: 'Pending', init: [waiting('PodInitializing'), waiting()] },
  ],
  'an init container crashes': ['Init:CrashLoopBackOff', { phase: 'Pending', init: [waiting('CrashLoopBackOff')] }],
  'an init container has failed': ['Init:Error', { init: [terminated({ exitCode: 1, reason: 'Error' })] }],
  'an init container ended by a signal': ['Init:Signal:9', { init: [terminated({ exitCode: 137, signal: 9 })] }],
  'an init container ended without a reason': ['Init:ExitCode:2', { init: [terminated({ exitCode: 2 })] }],
  'a sidecar has started': [
    'Running',
    { sidecars: [0], init: [{ state: running, started: true }], containers: [running] },
  ],
  'a sidecar has not started': ['Init:0/1', { sidecars: [0], init: [{ state: running, started: false }] }],
  'an init container runs again after the pod was initialized': [
    'Running',
    {
      conditions: [ready, { type: 'Initialized', status: 'True' }],
      init: [waiting()],
      containers: [terminated({ reason: 'Completed' }), running],
    },
  ],
  'it is being deleted': ['Terminating', { isDeleted: true, containers: [running] }],
  'it has ended, and a finalizer keeps it': [
    'Completed',
    { isDeleted: true, phase: 'Succeeded', containers: [terminated({ reason: 'Completed' })] },
  ],
  'its node is lost': ['Unknown', { isDeleted: true, reason: 'NodeLost' }],
};

describe('the status of a pod where', () => {
  for (const [what, [should, of]] of Object.entries(cases)) {
    test(`${what} is ${should}`, () => assert.equal(statusOf(of), should));
  }
});

test("restarts are kubectl's: of init containers while they run, then of containers and sidecars only", () => {
  const specs = [{ name: 'migrate' }, { name: 'proxy', restartPolicy: 'Always' }, { name: 'warm' }];
  const done = terminated({ exitCode: 0, reason: 'Completed' });
  const restartsOf = (states: readonly object[], conditions: readonly object[] = []) =>
    podRestartsOf({
      spec: { initContainers: specs },
      status: {
        conditions,
        initContainerStatuses: states.map((state, at) => ({
          name: specs[at]?.name,
          restartCount: [5, 20, 300][at],
          started: true,
          state,
        })),
        containerStatuses: [{ name: 'app', restartCount: 1_000, state: running }],
      },
    });
  assert.equal(restartsOf([done, running, done]), 1_020);
  assert.equal(restartsOf([terminated({ exitCode: 1 }), waiting(), waiting()]), 5);
  assert.equal(restartsOf([done, running, running]), 325);
  assert.equal(restartsOf([done, running, running], [{ type: 'Initialized', status: 'True' }]), 1_020);
  assert.equal(podRestartsOf({}), 0);
});

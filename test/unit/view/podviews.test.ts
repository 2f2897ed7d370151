/** Views of pods: what counts for the share of a request, and which container keeps a pod from running. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsOf } from '../../../src/top/columns.ts';
import { containerRows, objectOfRow, podRows, reasonOf } from '../../../src/top/rows.ts';
import { parsePodObject, withoutUsage, withUsage } from '../../../src/view/podviews.ts';
import type { PodView } from '../../../src/view/types.ts';
import { parseUsage } from '../../../src/view/usages.ts';
import { rfc3339 } from '../../fakes/kubeobjects.ts';

const metadata = { namespace: 'shop', name: 'web-0' };
const nowMs = Date.parse('2026-11-30T01:00:00Z');
const requesting = (name: string, cpu: string) => ({ name, resources: { requests: { cpu } } });

function viewOf(
  spec: object,
  status: object = {},
  usages: Readonly<Record<string, string>> = {},
  source?: string,
): PodView {
  const pod = parsePodObject({ metadata, spec, status });
  assert.ok(pod !== undefined);
  const containers = Object.entries(usages).map(([name, cpu]) => ({ name, usage: { cpu, memory: '1Mi' } }));
  if (containers.length === 0) return withoutUsage(pod, undefined);
  return withUsage(pod, parseUsage({ metadata, timestamp: rfc3339(nowMs), containers }), { source, nowMs });
}

function shareOfRequest(pod: PodView): unknown {
  const [row] = podRows([pod]);
  return row && columnsOf.pods.find(({ title }) => title === '%REQ')?.value(row);
}

test('usage of a container without a request does not count for the share of the request', () => {
  const spec = { containers: [requesting('app', '100m'), { name: 'proxy' }] };
  const pod = viewOf(spec, {}, { app: '50m', proxy: '400m' });
  assert.deepEqual(pod.cpu, { used: 0.45, requested: 0.1, usedWithRequest: 0.05 });
  assert.equal(shareOfRequest(pod), 0.5);
});

test('a pod has the time of its creation', () => {
  const created = { ...metadata, creationTimestamp: rfc3339(nowMs) };
  assert.equal(parsePodObject({ metadata: created })?.view.createdMs, nowMs);
  assert.ok(!('createdMs' in viewOf({})));
});

test('all usage counts where all containers or the pod have a request, and none where none has', () => {
  const all = { containers: [requesting('app', '100m'), requesting('proxy', '100m')] };
  assert.deepEqual(viewOf(all, {}, { app: '50m', proxy: '50m' }).cpu, { used: 0.1, requested: 0.2 });
  const ofPod = { containers: [{ name: 'app' }], resources: { requests: { cpu: '100m' } } };
  assert.equal(shareOfRequest(viewOf(ofPod, {}, { app: '50m' })), 0.5);
  assert.equal(shareOfRequest(viewOf({ containers: [{ name: 'app' }] }, {}, { app: '50m' })), undefined);
});

test('usage of a container whose request does not count is no part of the share: a debugger, or an init container that still runs', () => {
  const app = { containers: [requesting('app', '100m')] };
  const debugged = { ...app, ephemeralContainers: [{ name: 'debugger' }] };
  assert.equal(shareOfRequest(viewOf(debugged, {}, { app: '50m', debugger: '400m' })), 0.5);
  const starting = { ...app, initContainers: [requesting('setup', '1')] };
  const ofSetup = viewOf(starting, {}, { setup: '900m' });
  assert.deepEqual([ofSetup.cpu.usedWithRequest, shareOfRequest(ofSetup)], [0, undefined]);
  const withSidecar = { ...app, initContainers: [{ ...requesting('proxy', '100m'), restartPolicy: 'Always' }] };
  assert.deepEqual(viewOf(withSidecar, {}, { app: '50m', proxy: '50m' }).cpu, { used: 0.1, requested: 0.2 });
});

const bounded = (name: string) => ({
  name,
  resources: { requests: { cpu: '100m', memory: '1Mi' }, limits: { cpu: '100m', memory: '1Mi' } },
});

/** Returns what `top` shows of a pod of which only the proxy has usage. */
function shownBesideProxy(app: object, source?: string) {
  const spec = { containers: [bounded('app'), bounded('proxy')] };
  const proxy = { name: 'proxy', state: { running: { startedAt: rfc3339(nowMs - 3_600_000) } } };
  const status = { phase: 'Running', containerStatuses: [{ name: 'app', restartCount: 2, ...app }, proxy] };
  const pod = viewOf(spec, status, { proxy: '95m' }, source);
  const shares = (row: ReturnType<typeof podRows>[number]) =>
    columnsOf[row.kind].flatMap(({ title, cell }) =>
      title.startsWith('%') ? [cell(row, { nowMs, trendOf: () => '' }).text.trimEnd()] : [],
    );
  return { pod, rows: [...podRows([pod]), ...containerRows([pod])], shares };
}

const running = (secondsAgo: number) => ({ state: { running: { startedAt: rfc3339(nowMs - secondsAgo * 1000) } } });

test('a container without usage in a pod that has some makes the pod say so, and no share of all requests and limits', () => {
  const { pod, rows, shares } = shownBesideProxy({ state: { waiting: { reason: 'CrashLoopBackOff' } } });
  const none = ['-', '-', '-', '-'];
  assert.deepEqual(rows.map(shares), [none, none, ['95%', '95%!', '100%', '100%!']]);
  assert.deepEqual(rows.map(reasonOf), ['no usage of container app: CrashLoopBackOff', 'CrashLoopBackOff', undefined]);
  assert.equal(pod.cpu.used, 0.095);
  const ages = rows.map((row) => columnsOf[row.kind].find(({ title }) => title === 'AGE')?.value(row));
  assert.deepEqual(ages, [nowMs, undefined, nowMs]);
  assert.deepEqual(
    rows.map((row) => 'timestampMs' in objectOfRow(row)),
    [true, false, true],
  );
});

test('a container that runs without usage has a reason: it waits for its second sample, or the server has none of it', () => {
  const why = (app: object, source?: string) => shownBesideProxy(app, source).rows.slice(0, 2).map(reasonOf);
  const restarted = 'it restarted less than 90 s ago; usage needs two samples';
  assert.deepEqual(why(running(20)), [`no usage of container app: ${restarted}`, restarted]);
  assert.equal(why({ ...running(20), restartCount: 0 })[1], restarted.replace('restarted', 'started'));
  assert.equal(why(running(200))[1], 'the server has no usage of it');
  assert.equal(why(running(200), 'prometheus')[1], 'it restarted less than 300 s ago; usage needs two samples');
  assert.equal(why({})[1], 'the server has no usage of it');
  assert.equal(why({ state: { waiting: {} } })[1], 'it is waiting');
});

test('a container that has ended well is not missing, a sidecar and a debugger that run are', () => {
  const { pod, rows, shares } = shownBesideProxy({ state: { terminated: { reason: 'Completed' } } });
  assert.deepEqual([pod.reason, rows.map(shares)[0]], [undefined, ['48%', '48%', '50%', '50%']]);
  const app = { containers: [bounded('app')] };
  const status = { phase: 'Running', containerStatuses: [{ name: 'app', ...running(3_600) }] };
  const mesh = { ...bounded('mesh'), restartPolicy: 'Always' };
  const done = { name: 'setup', state: { terminated: { reason: 'Completed' } } };
  const withSidecar = viewOf(
    { ...app, initContainers: [{ name: 'setup' }, mesh] },
    { ...status, initContainerStatuses: [done, { name: 'mesh', ...running(3_600) }] },
    { app: '50m' },
  );
  assert.equal(withSidecar.reason, 'no usage of container mesh: the server has no usage of it');
  const debugged = (state: object) =>
    viewOf(
      { ...app, ephemeralContainers: [{ name: 'debugger' }] },
      { ...status, ephemeralContainerStatuses: [{ name: 'debugger', ...state }] },
      { app: '50m' },
    ).reason;
  assert.match(debugged(running(5)) ?? '', /^no usage of container debugger: it started less than 90 s ago/);
  assert.equal(debugged({ state: { terminated: { reason: 'Error' } } }), undefined);
});

test('an init container that fails is the reason, not the containers that wait for it', () => {
  const spec = { containers: [{ name: 'app' }], initContainers: [{ name: 'done' }, { name: 'setup' }] };
  const waiting = (name: string, reason: string) => ({ name, state: { waiting: { reason } } });
  const status = (setup: object) => ({
    phase: 'Pending',
    containerStatuses: [waiting('app', 'PodInitializing')],
    initContainerStatuses: [{ name: 'done', state: { terminated: { reason: 'Completed' } } }, setup],
  });
  const shown = (setup: object) => {
    const [row] = podRows([viewOf(spec, status(setup))]);
    return row && [reasonOf(row), columnsOf.pods.find(({ title }) => title === 'STATE')?.value(row)];
  };
  const crashing = waiting('setup', 'CrashLoopBackOff');
  assert.deepEqual(shown(crashing), ['init container setup: CrashLoopBackOff', 'Init:CrashLoopBackOff']);
  const running = { name: 'setup', state: { running: {} } };
  assert.deepEqual(shown(running), ['PodInitializing', 'Init:1/2']);
});

test('a container that fails is the reason, not one before it that has ended', () => {
  const ended = (reason: string) => ({ terminated: { reason } });
  const waiting = (reason: string) => ({ waiting: { reason } });
  const shown = (phase: string, ...states: object[]) => {
    const named = states.map((state, index) => ({ name: `c${index}`, state }));
    const [row] = podRows([viewOf({ containers: named }, { phase, containerStatuses: named })]);
    return row && [columnsOf.pods.find(({ title }) => title === 'STATE')?.value(row), reasonOf(row)];
  };
  const crashing = waiting('CrashLoopBackOff');
  assert.deepEqual(shown('Running', ended('Completed'), crashing), ['Completed', 'CrashLoopBackOff']);
  assert.deepEqual(shown('Running', ended('Error'), crashing), ['Error', 'CrashLoopBackOff']);
  const unpulled = waiting('ImagePullBackOff');
  assert.deepEqual(shown('Pending', ended('Completed'), unpulled), ['Completed', 'ImagePullBackOff']);
  assert.deepEqual(shown('Running', ended('OOMKilled'), { running: {} }), ['OOMKilled', 'OOMKilled']);
  assert.deepEqual(shown('Running', { running: {} }, ended('Completed')), ['Completed', 'Completed']);
});

test('a pod that has ended is not ending, while a finalizer keeps it', () => {
  const deleted = { ...metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
  const phaseOf = (phase: string) => parsePodObject({ metadata: deleted, status: { phase } })?.view.status;
  assert.deepEqual(['Succeeded', 'Failed', 'Running'].map(phaseOf), ['Succeeded', 'Failed', 'Terminating']);
});

test('the controller of a pod is what made its ReplicaSet: a Deployment, or a Rollout of Argo', () => {
  const controllerOf = (labels: object) => {
    const ownerReferences = [
      { kind: 'ReplicaSet', name: 'web-7d9f', controller: true, apiVersion: 'apps/v1', uid: 'x' },
    ];
    return parsePodObject({ metadata: { ...metadata, labels, ownerReferences }, spec: {} })?.view.workload;
  };
  assert.deepEqual(controllerOf({ 'pod-template-hash': '7d9f' }), { kind: 'Deployment', name: 'web' });
  assert.deepEqual(controllerOf({ 'rollouts-pod-template-hash': '7d9f' }), { kind: 'Rollout', name: 'web' });
  assert.deepEqual(controllerOf({ 'pod-template-hash': 'other' }), { kind: 'ReplicaSet', name: 'web-7d9f' });
});

/** Measures an informer of 150,000 pods, in both forms, without the network: the first list, the memory, each change, and lists amid changes. */
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { decodeBody } from '../../src/client/response.ts';
import { createOutage } from '../../src/client/outage.ts';
import type { RestClient } from '../../src/client/rest.ts';
import { systemClock as clock } from '../../src/clock.ts';
import { createPods, type Pods } from '../../src/cluster/pods.ts';
import { silentLogger as log } from '../../src/logging.ts';
import { encodeEvent, encodeList, protobufType } from '../fakes/kubeprotobuf.ts';
import { createCollect } from './heap.ts';
import { type Contender, type Figures, figureOf, inTurns, single } from './measure.ts';
import { namespaceOf, podObject } from './podobject.ts';

type Form = 'protobuf' | 'json';

const pageSize = 500;
const pageCount = 300;
const turns = { rounds: 7, roundMs: 300, warmUpMs: 1500 };
/** A list of all pods leaves garbage; more of them are not needed. */
const wholeTurns = { rounds: 7, roundMs: 30, warmUpMs: 300 };

/** CPU per pod of a list and per change; per change and list of its namespace; per change and list of all; the heap of all. */
export async function benchInformer(figures: Figures): Promise<void> {
  const forms = ['protobuf', 'json'] as const;
  const lists = forms.map((form): Contender => {
    const page = pageOf(form, 0, 1);
    return { name: form, run: (times) => repeat(times, () => listOnly(form, page)) };
  });
  for (const [form, values] of await inTurns(lists, turns)) {
    const perPod = values.map((microseconds) => microseconds / pageSize);
    figures.set(`informer.list.${form}`, figureOf(perPod, 'us'));
  }

  const collect = createCollect();
  collect();
  const beforeBytes = process.memoryUsage().heapUsed;
  await using all = await follow('protobuf', pageCount);
  collect();
  figures.set('informer.heap', single((process.memoryUsage().heapUsed - beforeBytes) / 2 ** 20, 'MiB'));

  await using few = await follow('json', 1);
  const changes: Contender[] = [
    { name: 'change.protobuf', run: (times) => all.change(times) },
    { name: 'change.json', run: (times) => few.change(times) },
    { name: 'change.list-namespace', run: (times) => all.change(times, () => all.pods.list(namespaceOf(0))) },
  ];
  const whole = { name: 'change.list-all', run: (times: number) => all.change(times, () => all.pods.list()) };
  for (const measured of [await inTurns(changes, turns), await inTurns([whole], wholeTurns)]) {
    for (const [name, values] of measured) figures.set(`informer.${name}`, figureOf(values, 'us'));
  }
}

/** Lists one page into an informer of its own. */
async function listOnly(form: Form, page: Buffer): Promise<void> {
  await using followed = await followPages(form, 1, () => page);
  if (followed.pods.get(namespaceOf(0), podObject(0).metadata.name) === undefined) throw new Error('a pod is missing');
}

function follow(form: Form, count: number): Promise<Followed> {
  return followPages(form, count, (page) => pageOf(form, page, count));
}

interface Followed extends AsyncDisposable {
  readonly pods: Pods;
  /** Sends so many changes, each on its own as kube-apiserver does, and does something after each. */
  change(times: number, after?: () => void): Promise<void>;
}

async function followPages(form: Form, count: number, page: (page: number) => Buffer): Promise<Followed> {
  const body = new Readable({ read: () => undefined });
  const pods = createPods({ rest: restOf(form, count, page, body), clock, log });
  const stop = new AbortController();
  const running = pods.run(stop.signal);
  while (!pods.synced()) await turn();
  let events: readonly Buffer[] = [];
  let next = 0;
  return {
    pods,
    async change(times, after = () => undefined) {
      if (events.length === 0) events = eventsOf(form);
      for (let time = 0; time < times; time += 1) {
        body.push(events[next]);
        next = (next + 1) % events.length;
        await turn();
        after();
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      body.push(null);
      await running;
    },
  };
}

/** Answers from memory. */
function restOf(form: Form, count: number, pageAt: (page: number) => Buffer, body: Readable): RestClient {
  return {
    outage: createOutage(clock),
    get: async (_, { query, protobuf } = {}) => {
      const page = Number(query?.['continue'] ?? 0);
      if (page >= count) throw new Error(`there is no page ${page}`);
      return decodeBody(pageAt(page), false, protobuf);
    },
    create: () => Promise.reject(new Error('nothing is created here')),
    patch: () => Promise.reject(new Error('nothing is patched here')),
    replace: () => Promise.reject(new Error('nothing is replaced here')),
    stream: async () => ({
      contentType: form === 'protobuf' ? `${protobufType};stream=watch` : 'application/json',
      body,
    }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function pageOf(form: Form, page: number, count: number): Buffer {
  const metadata = { resourceVersion: '1', ...(page + 1 < count ? { continue: String(page + 1) } : {}) };
  const list = {
    kind: 'PodList',
    apiVersion: 'v1',
    metadata,
    items: Array.from({ length: pageSize }, (_, index) => podObject(page * pageSize + index)),
  };
  return form === 'protobuf' ? encodeList(list) : Buffer.from(JSON.stringify(list));
}

/** Returns changes in groups of five: three of the status, which the server ignores; then a pod is deleted, and added again. */
function eventsOf(form: Form): readonly Buffer[] {
  return Array.from({ length: pageSize }, (_, index) => index).flatMap((index) => {
    const object = podObject(index);
    return ['MODIFIED', 'MODIFIED', 'MODIFIED', 'DELETED', 'ADDED'].map((type) =>
      form === 'protobuf' ? encodeEvent(type, object) : Buffer.from(`${JSON.stringify({ type, object })}\n`),
    );
  });
}

async function repeat(times: number, call: () => Promise<void>): Promise<void> {
  for (let time = 0; time < times; time += 1) await call();
}

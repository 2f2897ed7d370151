/** Measures answers of the API, from the store to the bytes of the JSON: all pods, one namespace by a label selector, one pod. */
import { metricsInPieces } from '../../src/api/forms.ts';
import { createPodReader, type PodMetrics, podMetrics } from '../../src/api/pods.ts';
import type { ResourceReader } from '../../src/api/resource.ts';
import type { MetricsObject } from '../../src/api/types.ts';
import { JsonWriter } from '../../src/apimachinery/jsonwriter.ts';
import { parseLabelSelector } from '../../src/apimachinery/labels.ts';
import { fillStore, podsPerNamespace } from './fullstore.ts';
import { createCollect } from './heap.ts';
import { type Contender, type Figures, figureOf, inTurns, single } from './measure.ts';

const shapes = [500, 5_000];
const turns = { rounds: 7, roundMs: 60, warmUpMs: 400 };

export async function benchLists(figures: Figures): Promise<void> {
  const collect = createCollect();
  for (const nodes of shapes) {
    const { storage, pods } = fillStore(nodes);
    const count = pods.list().length;
    const api = createPodReader({ pods, usage: storage, troubleOf: () => undefined, now: () => Date.now() });
    for (const group of contenders(api, count)) {
      collect();
      for (const [name, values] of await inTurns(group, turns)) {
        const ms = values.map((us) => us / 1000);
        figures.set(name, figureOf(ms, 'ms'));
      }
    }
    figures.set(`list.${count}.size`, single(written(api.list()), 'bytes'));
  }
}

/** In groups, since a list of everything leaves garbage that the small ones in turn with it would have to collect. */
function contenders(api: ResourceReader<PodMetrics>, count: number): Contender[][] {
  const first = api.list({ namespace: 'team-000' }).slices[Symbol.iterator]().next().value?.[0];
  if (first === undefined) throw new Error('the store of the benchmark serves nothing');
  const selected = () =>
    // Parsed for each request, as the server does.
    api.list({ namespace: 'team-000', labelSelector: parseLabelSelector('app=web') });
  return [
    [
      { name: `list.${count}.namespace-of-${podsPerNamespace}`, run: (times) => each(times, selected) },
      { name: `list.${count}.get`, run: (times) => each(times, () => api.get('team-000', first.name)) },
    ],
    [{ name: `list.${count}.all`, run: (times) => each(times, () => api.list()) }],
  ];
}

function each(times: number, answer: () => MetricsObject<PodMetrics>): void {
  for (let time = 0; time < times; time += 1) {
    if (written(answer()) === 0) throw new Error('an answer of the benchmark is empty');
  }
}

/** The server uses them again too. */
const writer = new JsonWriter();

/** Piece by piece as the server does, which never has all of a list; returns how many bytes there were. */
function written(object: MetricsObject<PodMetrics>): number {
  const pieces = metricsInPieces(podMetrics, object, { version: 'v1', fastPath: true }).json('compact', writer);
  let length = 0;
  for (;;) {
    const { done, value } = pieces.next();
    length += value?.length ?? 0;
    if (done === true) return length;
  }
}

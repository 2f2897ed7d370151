/** How much memory an hour of points takes beside the store, in a process of its own, and what points and pages cost. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { pageable, type Pageable } from '../../src/api/page.ts';
import { createPodReader, podMetrics } from '../../src/api/pods.ts';
import { metricsInPieces } from '../../src/api/forms.ts';
import { decodeContinue, type ListPosition } from '../../src/apimachinery/continuetoken.ts';
import { JsonWriter } from '../../src/apimachinery/jsonwriter.ts';
import { createPodLists } from '../../src/cluster/podlists.ts';
import type { PodInfo } from '../../src/cluster/pods.ts';
import { fillStore, podsPerNode } from './fullstore.ts';
import type { HistoryReport } from './historyprocess.ts';
import { type Contender, type Figures, figureOf, inTurns, single } from './measure.ts';

const nodes = 1_000;
const pagedNodes = 5_000;
const pageSize = 500;
/** Pods that change between two pages, as in seconds of a large cluster. */
const changedPods = 10;

export async function benchHistory(figures: Figures): Promise<void> {
  const child = fork(path.join(import.meta.dirname, 'historyprocess.ts'), [String(nodes)]);
  const ended = once(child, 'exit');
  const [report] = (await Promise.race([once(child, 'message'), ended])) as [HistoryReport | number];
  if (!child.connected || typeof report === 'number') throw new Error('the history could not be filled');
  child.disconnect();
  await ended;
  const of = `history.${nodes}x${podsPerNode}`;
  figures.set(`${of}.rss`, single(report.rssBytes / 1024 ** 2, 'MiB'));
  figures.set(`${of}.heap-and-arrays`, single((report.heapBytes + report.arrayBytes) / 1024 ** 2, 'MiB'));
  figures.set(`${of}.points-of-a-minute`, single((report.pointUs * nodes) / 1_000, 'ms'));
  figures.set(`${of}.file`, single(report.fileBytes / 1024 ** 2, 'MiB'));
  figures.set(`${of}.save`, single(report.saveUs / 1_000, 'ms'));
  figures.set(`${of}.restore`, single(report.restoreUs / 1_000, 'ms'));
  figures.set('history.point-of-a-node', single(report.pointUs, 'us'));
  figures.set('history.scrape-without-a-point', single(report.idleUs, 'us'));
  figures.set('history.read-of-a-pod', single(report.readUs, 'us'));
  await benchPages(figures);
}

/** Measures a page from the store to the bytes of its JSON, while pods change. */
async function benchPages(figures: Figures): Promise<void> {
  const { storage, pods } = fillStore(pagedNodes);
  const all = pods.list();
  const byNamespace = Map.groupBy(all, ({ namespace }) => namespace);
  const informed = new Map(
    Array.from(byNamespace, ([namespace, own]) => [namespace, new Map(own.map((pod) => [pod.name, pod]))]),
  );
  const lists = createPodLists<PodInfo>({
    within: (namespace) => informed.get(namespace),
    namespaces: () => informed.keys(),
  });
  const contender = (name: string, pages: Pageable<PodInfo>): Contender => {
    const reader = createPodReader({
      pods: { get: pods.get, list: lists.list, pages },
      usage: storage,
      troubleOf: () => undefined,
      now: () => Date.now(),
    });
    const writer = new JsonWriter();
    let after: ListPosition | undefined;
    let changed = 0;
    return {
      name: `page.${pageSize}-of-${all.length}.${name}`,
      run(times) {
        for (let time = 0; time < times; time += 1) {
          for (let count = 0; count < changedPods; count += 1) lists.changed(all[(changed += 7_919) % all.length]!);
          const list = reader.list({ page: { limit: pageSize, after } });
          const { continue: token } = list.metadata ?? {};
          after = token === undefined ? undefined : decodeContinue(token);
          const pieces = metricsInPieces(podMetrics, list, { version: 'v1' }).json('compact', writer);
          while (pieces.next().done !== true);
        }
      },
    };
  };
  const contenders = [
    contender('changing', lists),
    contender(
      'whole-list',
      pageable((of) => lists.list(of)),
    ),
  ];
  for (const [name, values] of await inTurns(contenders, { rounds: 7, roundMs: 100, warmUpMs: 400 })) {
    figures.set(
      name,
      figureOf(
        values.map((us) => us / 1000),
        'ms',
      ),
    );
  }
}

/** Mutations of how custom metrics from kubelets are kept and computed. */
import { type Mutation, mutate } from './mutation.ts';

const tests = ['test/unit/kubeletsource/statements.test.ts', 'test/unit/kubeletsource/*.test.ts'];

export const kubeletSeries: readonly Mutation[] = [
  ...mutate('kubeletsource/history.ts', tests, [
    ['last === 0 && value > 0) return', 'false) return', "a container's whole life is the rate of one interval"],
    [
      "if (value >= this.#states[at + state.rival]! - counterJitter) return 'other';",
      '',
      'one wrong sample makes a rate',
    ],
    ["? 'same' : 'impossible'", "? 'same' : 'same'", 'a rate has no bound'],
    ['} else if (value > most) return Number.NaN;', '}', 'a gauge has no bound'],
    ['this.#states.fill(Number.NaN);\n  }', '}', 'samples are compared over a step of the clock'],
    ['<= unreadMs;', '< 0;', 'a cgroup that could not be read has memory of 0'],
    ['&& shape.isNeverZero !== true', '', 'a first RSS of 0 is not served'],
    ['!Number.isNaN(this.#numbers[at + 1 + beside]!)', 'true', 'two increases are over other intervals'],
  ]),
  ...mutate('kubeletsource/metricvalue.ts', tests, [
    ['isWhole: isWhole && !isLacking', 'isWhole', "a restarted container's CPU counts as nothing"],
    ["isAway && typeof number !== 'string'", 'false', 'an absent container has its last rate for ever'],
    ['Number.isNaN(last(name)) ? missing(name)', 'false ? missing(name)', 'a limit that is missing once is no limit'],
    ['increase(second, first)', 'increase(second)', 'periods are counted over another interval'],
  ]),
  ...mutate('kubeletsource/podseries.ts', tests, [
    ['      this.#dropContainerValues();\n', '', "an init container's value stands for the app's"],
    ["cgroupsOf(metric) === 'container'", 'true', "the end of a container takes the pod's traffic"],
    [
      'this.#unready?.get(name) ?? -Infinity',
      '-Infinity',
      'a container that is sampled seldom is not waited for after a step of the clock',
    ],
    ['if (isLess) this.#last.set(name, served);', '', 'a served part of a pod shrinks'],
    ['nowMs - part.waitMs > stalenessMs && ', '', 'a part of a pod is served while the whole is waited for'],
    [
      '|| update.nowMs - part.sampledMs > update.stalenessMs',
      '',
      'a container whose series stay away is served for ever',
    ],
    ['before?.newestMs === number.newestMs ?', 'false ?', 'a kubelet that repeats its samples is never stale'],
    ['!mayBeSameContainer(part.id, id)', 'false', 'a restarted container goes on from the counter before it'],
  ]),
  ...mutate('kubeletsource/objectnumbers.ts', tests, [
    [
      'if (awaitsFirst && isFirstAwaited(number.reason)) return number;',
      '',
      "a namespace's first sums are of the nodes that were scraped first",
    ],
  ]),
  ...mutate('kubeletsource/serieswarmup.ts', tests, [
    ['if (node === undefined) return false;', 'if (node === undefined) return true;', 'a node without series is warm'],
    ['&& !node.isWaiting', '', 'a replica is ready without second samples'],
  ]),
  ...mutate('kubeletsource/seriesstore.ts', tests, [
    ['isOtherNode(nodes.get(node)?.uid, uid)', 'false', "another machine's values stay after a restart"],
    ['|| isOtherNode(each.uid, nodeUid?.(each.node))', '', "another machine's values are restored"],
    [' && nowMs - node.machine.seenMs > staleness(node)', '', 'one scrape of /metrics/resource is a gap'],
    ['nodes.set(batch.node, emptyNode(', 'void (batch.node, emptyNode(', 'stale samples are kept on /metrics/resource'],
  ]),
  ...mutate('kubeletsource/seriessnapshot.ts', tests, [
    ['sinceMs: thenMs - ageMs', 'sinceMs: thenMs', 'a value lives longer for a restart'],
  ]),
  ...mutate('decode/series/seriescollector.ts', tests, [
    ['isCountedElsewhere(sample.label(addedOver))', 'false', 'traffic of bridges and tunnels counts twice'],
    ['isStacked(shape, name) ? -part : part', 'part', 'writes to LVM count twice'],
  ]),
];

/** Mutations of what is chosen of an answer: which cgroup is the container, which row the sample, what is doubted. */
import { type Mutation, mutate } from './mutation.ts';

/** Those that take longest come last: most mutations are noticed before. */
const testsOf = (...names: readonly string[]): string[] => [
  ...names.map((name) => `test/unit/{decode,scrape}/**/${name}.test.ts`),
  'test/unit/{decode,scrape}/**/*.test.ts',
];

export const selection: readonly Mutation[] = [
  ...mutate('decode/cadvisor/select.ts', testsOf('select'), [
    [
      'return kept.length > 0 ? kept : candidates;',
      'return candidates;',
      'what a tenant made below its own cgroup counts',
    ],
    ['return kept.length > 0 ? kept : candidates;', 'return kept;', 'an unknown layout of cgroups has no pods'],
    ['.filter(([first]) => !unfinished.has(podKey(first)))', '', 'a pod is served without its newest container'],
    ['ageMs(candidate) <= limitMs', 'true', 'rows that are no longer sampled are chosen'],
    [
      'if (order < 0) chosen.set(containerId, candidate);',
      'if (order > 0) chosen.set(containerId, candidate);',
      'a leaked cgroup wins over the one in use',
    ],
    ['Number(yields(candidate)) - Number(yields(rival)) || ', '', 'an odd path of a container wins'],
    ['started < last.startMs;', 'false;', 'a dead container comes back while its successor is away'],
  ]),
  ...mutate('decode/cadvisor/candidate.ts', testsOf('select'), [
    ['Number(uses(b)) - Number(uses(a)) ||', '', 'a dead container wins over its successor'],
    ['startMs(b, starts) - startMs(a, starts) ||', '', 'of two containers the older one may win'],
    ['b.point.timestampMs - a.point.timestampMs ||', '', 'the sample that is older may win'],
    ['a.cgroup.depth - b.cgroup.depth ||', '', 'the longer path wins'],
    [
      'candidate.hasCpu && candidate.point.memoryBytes > 0',
      'candidate.point.memoryBytes > 0',
      'a row without CPU counts as in use',
    ],
    [
      'candidate.hasCpu && candidate.point.memoryBytes > 0',
      'candidate.hasCpu',
      'a row without memory counts as in use',
    ],
    [
      'a.namespace === b.namespace && a.cgroup.podUid === b.cgroup.podUid',
      'a.namespace === b.namespace',
      'pods of one name and two UIDs are one',
    ],
    ["\\0${cgroup.podUid ?? ''}`", '`', 'a pod of one name takes the place of another'],
  ]),
  ...mutate('decode/cadvisor/starttimes.ts', testsOf('select'), [
    ['before.get(containerId) ?? Infinity', 'Infinity', 'a dead container becomes the younger one'],
    ['if (earliestMs !== Infinity) ', '', 'an unknown start is one for ever'],
  ]),
  ...mutate('decode/cadvisor/cgroup.ts', testsOf('cgroup'), [
    ['(?:\\.scope)?$/', '$/', "systemd's scopes are no containers"],
    [".split('_').join('-')", '', "systemd's UIDs have underscores"],
    ['|[0-9a-f]{32})', ')', 'static pods have no UID'],
    ['podUid !== undefined && !above.some(', 'podUid !== undefined || !above.some(', 'every path is trusted'],
    [
      '!above.some((segment) => (podUidOf(segment) ?? sliceUidOf(segment)) !== undefined)',
      'true',
      "a tenant's cgroup is trusted",
    ],
    ['!path.includes(monitorInfix)', 'true', "CRI-O's monitors are containers"],
    ['[...segments, parent]', 'segments', 'a pod below a pod is trusted with mismatched drivers'],
  ]),
  ...mutate('decode/cadvisor/cgrouprow.ts', testsOf('cgrouprow', 'familyplaces', 'decoder'), [
    ["container === '' || container === 'POD'", "container === ''", 'the sandbox is a container'],
    ["&& sample.label('image') === ''", '', 'a container in the root cgroup is the machine'],
    ['sample.label(label) || sample.label(oldLabels[label])', 'sample.label(label)', 'labels before 1.16 are not read'],
    [
      "folder === '' ? '0' : nameHash(folder).toString(hashBase)",
      "'0'",
      'a rate goes from a leaked cgroup to the one in use',
    ],
  ]),
  ...mutate('decode/cadvisor/cadvisor.ts', testsOf('decoder', 'familyplaces', 'decoderpaths'), [
    ["cpu === 'total' || cpu === ''", "cpu === 'total'", 'CPU without a label is that of a core'],
    ['cpu.value += core.value;', 'cpu.value = core.value;', 'CPU is that of the last core'],
    ['if (sample.value !== 0) this.#scrapeFailed = true;', '', 'a scrape error of the kubelet is not seen'],
    ['nodeTimeMs - startedMs < firstSampleMs', 'true', 'an old container without samples keeps its pod unfinished'],
    ['nodeTimeMs - startedMs < firstSampleMs', 'false', 'a container that was just found is not waited for'],
    [
      'readings.cpu.seen || readings.memory.seen',
      'readings.cpu.seen && readings.memory.seen',
      'a container with one of its rows is gone',
    ],
    ['candidates.every(({ point }) => !hasValue(point))', 'false', 'a body of odd rows alone is used'],
    ['seen && isPlausible(value) ? value > 0 : undefined', 'seen ? value > 0 : undefined', 'swap of NaN is no swap'],
  ]),
  ...mutate('decode/cadvisor/doubts.ts', testsOf('decoderpaths', 'decoder'), [
    [
      'if (addTo(known, namespace, name) && addTo(doubted, namespace, name)) pods.push',
      'if (false) pods.push',
      'gVisor pods are not doubted',
    ],
    ['lacksMemory(point.memoryBytes) && addTo', 'false && addTo', 'containers without memory are not doubted'],
  ]),
  ...mutate(
    'decode/usable.ts',
    [...testsOf('usable', 'fastpath', 'decoder'), ...testsOf('select')],
    [
      ['value >= 0 && value <= valueLimit', 'value >= 0', 'infinite values are served'],
      ['value >= 0 && value <= valueLimit', 'value <= valueLimit', 'negative values are served'],
      ['return cpuSeconds > 0 && memoryBytes > 0;', 'return true;', 'a machine that uses nothing is served'],
      ['return hasMemory && ', 'return ', 'a container without a working set uses nothing'],
      [
        'isPlausible(cpuSeconds) && isPlausible(memoryBytes)',
        'isPlausible(memoryBytes)',
        'CPU that cannot be is served',
      ],
      [
        'isPlausible(cpuSeconds) && isPlausible(memoryBytes)',
        'isPlausible(cpuSeconds)',
        'memory that cannot be is served',
      ],
      ['isSeen && isPlausible(value)', 'isSeen', 'swap that cannot be is served'],
      ['memoryBytes: Number.NaN', 'memoryBytes: 0', 'a value that cannot be is 0'],
      ['return hasCpu ? cpu : memory;', 'return memory;', "the time is the memory's"],
      ['!isTrueTime(timestampMs, answer) || ', '', 'times that cannot be are believed on the fast path'],
      [' || answer.nodeTimeMs - timestampMs > oldestMs', '', 'old samples are copied by the fast path'],
    ],
  ),
  ...mutate('sample/containerid.ts', testsOf('oddrows'), [
    ['a === b || a === undefined || b === undefined', 'a === b', 'a start time that is missing once is a restart'],
  ]),
  ...mutate(
    'sample/quantities.ts',
    ['test/unit/sample/quantities.test.ts'],
    [
      ["requested !== 'on nodes with swap' || hasSwap", 'true', 'nodes without swap have a swap usage'],
      ['return node.hasSwap;', 'return true;', 'swap is requested where there is none'],
      ['return !node.hasSettled;', 'return true;', 'start times are requested for ever'],
    ],
  ),
  ...mutate('decode/reading.ts', testsOf('usable', 'decoder'), [
    ['return timestampMs < keptMs;', 'return timestampMs <= keptMs;', 'of two samples of equal time the first counts'],
    ['return timestampMs < keptMs;', 'return false;', 'of two samples the last counts, not the newest'],
  ]),
  ...mutate('decode/rownumbers.ts', testsOf('usable', 'decoder'), [
    ['  numbers.clear();\n', '', "a node's numbers are another node's"],
    ['this.#times.fill(unseen);', '', 'a row that is missing has the number of before'],
  ]),
  ...mutate('decode/sampletime.ts', testsOf('sampletime', 'decoder'), [
    ['timestampMs <= nodeTimeMs + futureLimitMs &&', '', 'samples of the future are believed'],
    ['timestampMs >= earliestMs &&', '', 'samples of 1970 are believed'],
    [
      'dateMs === undefined ? 0 : dateMs - pastLimitMs',
      'ourMs - pastLimitMs',
      'a node that lives in 1970 is not served',
    ],
    ['return { nodeTimeMs: dateMs ?? ourMs,', 'return { nodeTimeMs: ourMs,', 'the Date header is ignored'],
    ['rawTimestampMs: timestampMs }', '}', 'what the kubelet wrote is forgotten'],
    [' || timestampMs === 0) return', ') return', 'the time 0 is 1970'],
  ]),
  ...mutate('scrape/endpoint/kubeletreader.ts', testsOf('kubeletreader'), [
    [
      'const nodeTimeMs = response.dateMs ?? clock.wallMs();',
      'const nodeTimeMs = clock.wallMs();',
      "the node's time is ours",
    ],
  ]),
  ...mutate('scrape/endpoint/nodeclock.ts', testsOf('nodeclock'), [
    ['Math.abs(offMs) > clockStepMs', 'false', 'a clock that was set is followed for hours'],
    ['Math.min(Math.max(offMs, -mostMs), mostMs)', 'offMs', 'intervals are off by a second'],
    ['Math.max(0, dateMs - expectedMs)', '0', 'a clock that runs ahead is not followed'],
  ]),
  ...mutate('decode/age.ts', testsOf('select', 'decoder'), [
    ['(sorted.length - 1) >> 1', 'sorted.length >> 1', 'of two rows, the old one is its own measure'],
    ['Math.max(deadAfterMs, ', 'Math.min(deadAfterMs, ', 'rows of slow kubelets are given up'],
    [
      'nodeTimeMs - machine.timestampMs <= limitMs ? machine : undefined',
      'machine',
      'a machine that is no longer sampled is served',
    ],
  ]),
  ...mutate('decode/resource/lineage.ts', testsOf('lineage'), [
    ['lineage.cpuSeconds === cpuSeconds)', 'false)', 'a counter that stands still is taken for another'],
    ['lineage.cpuSeconds < cpuSeconds)', 'true)', 'a counter goes on from a higher one'],
    [
      'sort(([, a], [, b]) => b - a)',
      'sort(([, a], [, b]) => a - b)',
      'the older of two new lines counts as the later',
    ],
    ['generations[index] ??= ++newest', 'generations[index] ??= newest', 'two new lines are one'],
  ]),
  ...mutate('decode/resource/resource.ts', testsOf('decoder', 'decoderpaths'), [
    ['if (nodeTimeMs - point.timestampMs > limitMs) continue;', '', 'lines that are no longer sampled are served'],
  ]),
  ...mutate('decode/resource/lines.ts', testsOf('oddrows', 'decoder', 'decoderpaths'), [
    ['before.length > 1 || whole.length > 1', 'false', 'of several lines the first counts'],
    ['|| !mayBeSameStart(row.startSeconds, started)', '', 'a restart is not seen'],
    ['cpu.timestampMs === memory.timestampMs);', 'true);', 'lines of different containers are one'],
  ]),
  ...mutate('scrape/source/coverage.ts', testsOf('coverage'), [
    ['lacksMemory(point.memoryBytes) || ', '', 'a container without memory is lacking'],
    [' || isYoung(point, nodeTimeMs)', '', 'a container between two answers is lacking'],
    ['lacksMemory(known.memoryBytes)', 'false', 'kata containers are not lacking'],
    ['cadvisor.machine === undefined && resource.machine !== undefined', 'false', "a machine's lack is not seen"],
  ]),
  ...mutate('scrape/source/comparisonpolicy.ts', testsOf('comparisonpolicy'), [
    ['isDoubtful ? doubtfulInARow + 1 : 0', 'doubtfulInARow + Number(isDoubtful)', 'doubts add up over hours'],
    [' && nowMs >= quietUntilMs', '', 'both endpoints are read at each scrape'],
    ["how === 'compared' ? quietMs : retryMs", 'quietMs', 'a failed comparison is not repeated soon'],
  ]),
];

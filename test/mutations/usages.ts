/** Mutations of metrics.k8s.io from Prometheus: numbers of another namespace or pod, zeros for what is missing, and of the history that is kept over a restart. */
import { type Mutation, mutate } from './mutation.ts';

const batchTests = ['test/unit/prometheussource/podbatches.test.ts'];
const lengthTests = ['test/unit/prometheussource/querylength.test.ts'];
const usageTests = ['test/integration/prometheussource-usage.test.ts'];
const rulesSnapshotTests = ['test/unit/prometheussource/rulessnapshot.test.ts'];
const readerTests = ['test/unit/api/askingreader.test.ts'];
const queryTests = ['test/unit/rules/resourcequeries.test.ts'];
const pointTests = ['test/unit/history/history.test.ts'];
const listTests = ['test/unit/api/historylist.test.ts'];
const historyTests = ['test/unit/history/savedhistory.test.ts'];
const identityTests = ['test/unit/history/foreignuid.test.ts'];

export const usages: readonly Mutation[] = [
  ...mutate('prometheussource/podbatches.ts', batchTests, [
    ["if (form === 'joined' && isWhole)", "if (form === 'joined')", 'pods of a selection are asked for without names'],
    ["if (form === 'whole') yield batchOf(pods);\n    else ", '', "prometheus-adapter's query is cut"],
    ['batch.length >= batchNameLimit || ', '', 'an answer has too many samples'],
    ['withPod > bytesLimit', 'false', 'a query is longer than an engine takes'],
    ['bytes + more > bytesLimit', 'false', 'names of namespaces make a query too long'],
    ['{ ...batch, names: undefined } : batch', 'batch : batch', 'names of whole namespaces make a query too long'],
    ['bytesOf(batch.names) + bytesOf(batch.namespaces)', '0', 'names of whole namespaces are never left out'],
  ]),
  ...mutate('prometheussource/querylength.ts', lengthTests, [
    ['Math.max(times, query.split(name).length - 1)', 'times', 'a query that writes names twice is too long'],
    ['(queryBytesLimit - Buffer.byteLength(rest))', 'queryBytesLimit', 'a long template makes a query too long'],
    ['Math.max(leastNameBytes, ', '(', 'a template that is too long is a query for each name'],
  ]),
  ...mutate('prometheussource/usagesource.ts', usageTests, [
    ["return mayJoin ? 'joined' : 'cut';", "return 'joined';", 'queries that group by the pod only are joined'],
    [
      'namespace: namespace === undefined ? only : labels.get(namespace)',
      'namespace: only',
      'pods of all namespaces have the numbers of the first',
    ],
    ['if (kept?.uid === pod.uid) ', 'if (kept !== undefined) ', 'a new pod has the last values of its namesake'],
    ["if (type === 'vector') return samples;", 'return samples;', 'an answer without samples is an empty list'],
    ['batch.names === undefined && isTooMuch(error)', 'false', 'samples of pods that have ended cost those of all'],
    ['batch.names === undefined && isTooMuch(error)', 'batch.names === undefined', 'a wrong query is sent again'],
    ['isWhole && !this.#named.has(rules)', 'isWhole', 'an answer that is too long is asked for by each list'],
  ]),
  ...mutate('prometheussource/rulessnapshot.ts', rulesSnapshotTests, [
    ['if (known[2] !== digest)', 'if (false)', 'values of another tenant are served after a restart'],
    ['if (taken + bytes > limitBytes) break;', '', 'a file grows without a limit'],
    ['room * listsShare', 'room', 'lists leave no room for values'],
  ]),
  ...mutate('prometheussource/savedlists.ts', rulesSnapshotTests, [
    ['([, { missing }]) => missing === 0', '() => true', 'a part of a list is restored as all of it'],
  ]),
  ...mutate('prometheussource/lastvalues.ts', rulesSnapshotTests, [
    ['entry.set(name, value, thenMs - ageMs)', 'entry.set(name, value, thenMs)', 'a value is younger for a restart'],
  ]),
  ...mutate(
    'prometheussource/questionvalues.ts',
    ['test/unit/prometheussource/lastvalues.test.ts'],
    [['this.#places.delete(name);', '', 'an object has the number of another one']],
  ),
  ...mutate(
    'prometheussource/valuecodecs.ts',
    ['test/unit/prometheussource/lastvalues.test.ts'],
    [['Number.isSafeInteger(number) ? number : valueMilli', 'number', 'a large last value is rounded']],
  ),
  ...mutate('prometheussource/savedvalues.ts', rulesSnapshotTests, [
    ['values.inLane(lane).restore(', "values.inLane('system').restore(", 'the autoscaler gets values of users'],
    ['if (isWhole) {', 'if (false) {', 'a part of an external answer is served as all of it'],
  ]),
  ...mutate(
    'prometheussource/customsource.ts',
    ['test/integration/prometheussource.test.ts'],
    [
      [
        "(question.names, 'cut', limit)",
        "(question.names, 'whole', limit)",
        'a request for many names is refused by VictoriaMetrics',
      ],
    ],
  ),
  ...mutate(
    'view/reasons.ts',
    ['test/integration/view.test.ts'],
    [['some(({ reason }) => reason === noSampleReason)', 'some(() => false)', 'Prometheus is taken for kubelets']],
  ),
  ...mutate('prometheussource/usagenumbers.ts', usageTests, [
    ['if (hasEnded(pod, name) === true) continue;', '', 'an init container that ended keeps its pod away'],
    ['valueMilli < 0n ? 0n : valueMilli', 'valueMilli', 'an idle node uses less than nothing'],
    ["|| container === '' || !canBeName(container)) return;", ') return;', 'the cgroup of a pod is a container'],
    [
      "if (usage.kind === 'missing') {\n        return",
      "if (usage.kind === 'missing') {\n        continue; return",
      'a pod has some of its containers',
    ],
  ]),
  ...mutate('api/askingreader.ts', readerTests, [
    ['const isWhole = page === undefined && !selects;', 'const isWhole = true;', 'a page is taken for all pods'],
    ['if (history !== undefined) throw noHistory();', '', 'the present is served as the past'],
    ["return usage.kind === 'ready' ? source", 'return true ? source', 'pods without usage are listed'],
    ['await gathered(selected(source.list(namespace)), share)', 'source.list(namespace)', 'a selector selects all'],
  ]),
  ...mutate('rules/resourcequeries.ts', queryTests, [
    ['const isJoined = namespaces?.length !== 1;', 'const isJoined = false;', 'samples do not say their namespace'],
    [
      'if (names === undefined) matchers.addAnyName(label);',
      'if (names === undefined) return;',
      'pods are not matched',
    ],
    ['...(windowMs === 0 ? [unset] : [])', '', 'usages have a window of 0 s'],
  ]),
  ...mutate('history/nodelines.ts', pointTests, [
    ['slot === this.#last && source !== undefined', 'source !== undefined', 'old points have the source of the newest'],
    [
      'this.#scraped === undefined || this.#scraped === source ? source : undefined',
      'source',
      'a sample of the source before is of the new one',
    ],
  ]),
  ...mutate('history/nodelines.ts', pointTests, [
    ['container < reported && ', '', 'a container that has left takes the value of another one'],
    ['this.#ring.clearWithoutValue(table.linesOf(pod), this.#last);', '', 'points without a container are served'],
  ]),
  ...mutate('history/podtable.ts', pointTests, [
    [
      '!names.has(name) && hasPoints(lines, at)',
      'false',
      'the history of a container ends while it waits for its restart',
    ],
    ['.slice(0, departedLimit)', '', 'containers that have left fill the memory'],
  ]),
  ...mutate('history/nodelines.ts', historyTests, [
    ["steady ?? 'of another process'", 'steady', 'the first scrape says the source of a stored sample'],
    ['for (const [pod, slot] of waiting) lines.#waitsSince[pod] = slot;', '', 'a pod waits twice over a restart'],
  ]),
  ...mutate('api/historylist.ts', listTests, [
    ['annotations: annotationsBySource[source]', 'annotations: undefined', 'no point says its source'],
  ]),
  ...mutate('history/savedhistory.ts', historyTests, [
    ['isBetween(last, 0, newestSlot(intervalMs as number))', 'true', 'points of the future are restored'],
    ['check(keys.size === pods.length', 'check(true', 'two pods have one line'],
    ['check(values.length === lines * slots * 3', 'check(true', 'lines are shifted'],
    ['times.every((time, at) => time === 0 || windows[at] !== 0)', 'true', 'points have a window of 0 s'],
    ['(value as string).length === Math.ceil(bytes.length / 3) * 4', 'true', 'what is no base64 is skipped'],
  ]),
  ...mutate('history/savedhistory.ts', identityTests, [
    [
      "`${namespace}/${name}/${uid ?? ''}`",
      "`${uid ?? ''}`",
      'a pod that names another UID as its hash gets its points',
    ],
  ]),
];

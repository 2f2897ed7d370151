/** Mutations of what is held of samples, and of the rates that follow from them. */
import { type Mutation, mutate } from './mutation.ts';

const tests = ['test/unit/storage/samplepair.test.ts', 'test/unit/storage/*.test.ts'];

export const storage: readonly Mutation[] = [
  ...mutate(
    'sample/clockstep.ts',
    ['test/unit/sample/clockstep.test.ts', 'test/unit/storage/clockstep.test.ts'],
    [
      ['isAhead && !isBack) return', 'isAhead) return', 'a clock that is set back makes a rate'],
      ['if (!isAhead && ', 'if (', 'a clock that is set ahead makes a rate'],
      ['slewShare = 0.1', 'slewShare = 0.01', 'a clock that is slewed has been set'],
      [
        'dateMs + dateResolutionMs, ...times',
        'dateMs, ...times',
        'the fraction of a second that Date leaves out is a step',
      ],
      ['return sampleMs <= latestMs && ', 'return false && ', 'a sample from before a step has the time of after it'],
      [
        '!(isNew && sampleMs < earliestMs)',
        'sampleMs >= earliestMs',
        'a sample of long before a step is from after it',
      ],
    ],
  ),
  ...mutate('storage/nodestate.ts', tests, [
    ['hasEnded(name) ?? isFollowed', 'isFollowed', 'a container that has ended by the API is waited for'],
    ['hasEnded(name) ?? isFollowed', 'hasEnded(name) ?? false', 'an app that follows its init container waits for it'],
  ]),
  ...mutate('storage/snapshotlimits.ts', tests, [
    [
      "return pairs.every((pair) => hasPossibleRate(pair, limits)) ? undefined : 'cpu'",
      'return undefined',
      'a snapshot has a rate that its node cannot have',
    ],
    ['...(!isMachineWithin && ', '...(false && ', 'a snapshot has a machine with more memory than it has'],
    [
      'state.pods.filter((pod) =>',
      'state.pods.filter((pod) => true ||',
      'a snapshot has a pod with more memory than its node has',
    ],
  ]),
  ...mutate('storage/nodeupdate.ts', tests, [
    [
      'if (step !== undefined) markStep(node);',
      '',
      'a pod that is not reported goes on from before a step of the clock',
    ],
  ]),
  ...mutate('storage/podupdate.ts', tests, [
    [
      'pod.state === undefined && update.limits.step === undefined',
      'pod.state === undefined',
      'the fast path goes over a step of the clock',
    ],
    [
      '(previous?.storedMs ?? -Infinity) - steppedMs',
      'nowMs - steppedMs',
      'a start before a step is the base of a rate after an outage',
    ],
    [
      '&& !hasStepped(update) ? newContainerMs',
      '? newContainerMs',
      'a start before a step of the clock is the base of a rate',
    ],
  ]),
  ...mutate('storage/clockstate.ts', tests, [
    ['newestFutureStartMs(batch.numbers),', '-Infinity,', 'a start of the future is believed once the clock passes it'],
    [
      'Math.min(step?.latestMs ?? -Infinity, latestMs)',
      '-Infinity',
      'a start from before a step is believed once the clock passes it, by its step',
    ],
    ['startsAfterMs ?? -Infinity,', '-Infinity,', 'a step is forgotten with the next scrape'],
    ['step === undefined ? steppedMs : nowMs', 'nowMs', 'no container is ever served by its start'],
    [
      'oldest = Math.min(oldest, newerMs(pair',
      'oldest = Math.max(-Infinity, newerMs(pair',
      'the last container alone bounds a clock',
    ],
    ['state?.absent.has(name) === false', 'state !== undefined', 'a sample that was away bounds a clock'],
    ['!isLastReported(pair)', 'false', 'a sample that was not stored bounds a clock'],
  ]),
  ...mutate('storage/snapshot.ts', tests, [
    ['clock: clock && loadClock(clock, thenMs),', '', 'a step between two processes is not seen'],
    ['sentMs: thenMs - reading.sentAgeMs', 'sentMs: reading.sentAgeMs', 'each restart is a step of the clock'],
    [
      'steppedMs: steppedAgeMs === undefined ? undefined : thenMs - steppedAgeMs,',
      'steppedMs: undefined,',
      'a step is forgotten with a restart',
    ],
  ]),
  ...mutate('storage/scrapeupdate.ts', tests, [
    ['if (limits.step !== undefined) return 0;', '', 'a step of the clock is the spacing of samples'],
  ]),
  ...mutate('storage/podusage.ts', tests, [
    ['    isBeforeStep === undefined &&\n', '', 'a container sampled before a step of the clock has ended'],
  ]),
  ...mutate('storage/samplepair.ts', tests, [
    ['limits.step !== undefined || pair', 'pair', 'a rate goes over a step of the clock'],
    [
      ' || pair.isBeforeStep === true) return add',
      ') return add',
      'a rate goes from a sample before a step of the clock',
    ],
    [
      'step === undefined ? lacking : markBeforeStep(lacking)',
      'lacking',
      'a rate goes over a step at which a pod was not reported',
    ],
  ]),
  ...mutate('storage/samplerules.ts', tests, [
    [
      'counterJitterSeconds = 1e-6',
      'counterJitterSeconds = 1',
      'a counter that falls by less than a second is no restart',
    ],
    ['intervalMs <= 0) return', 'intervalMs < 0) return', 'the same sample again is news, over a window of nothing'],
    ['intervalMs < -clockStepMs', 'intervalMs < -Infinity', 'a clock that was set back is waited for'],
    ['intervalMs < 0 && cpu', 'false && cpu', 'a higher counter is that of an older sample'],
    [
      'intervalMs > limits.longestWindowMs) return',
      'intervalMs > Infinity) return',
      'a window of hours is served as the present',
    ],
    [
      "return isPossible(cpuSeconds - lastCpuSeconds, intervalMs, limits) ? 'newer' : 'implausible'",
      "return 'newer'",
      'more cores are served than the node has',
    ],
    ['intervalMs * mostPerSecond', 'intervalMs * mostCores', "the node's capacity is no bound"],
    ['Math.min(mostCores, capacityCores * capacityMargin)', 'capacityCores', 'a rate has no margin over the capacity'],
    ['startTimeMs <= sampleMs', 'true', 'a start time from before a step of the clock is believed'],
    ['startTimeMs > startsAfterMs && ', '', 'a start time from before a step is believed once the clock passes it'],
    ['!(lastMs - startMs <= zeroCounterMs)', 'false', 'the whole life of a container is booked on one window'],
    [
      "if (!isEmpty) return 'no value'",
      "if (!isEmpty) return 'newer'",
      'a CPU row that is missing once is a use of nothing',
    ],
    ['(isEmpty && intervalMs <= limits.stalenessMs)', 'isEmpty', 'a container that has ended is never served as such'],
    [
      '!(memoryBytes <= limits.mostMemoryBytes) || (isEmpty',
      'memoryBytes > limits.mostMemoryBytes || (isEmpty',
      'a container without a working set has one of NaN',
    ],
    [
      '!(memoryBytes <= limits.mostMemoryBytes) || (isEmpty',
      'Number.isNaN(memoryBytes) || (isEmpty',
      'in rows, more memory is served than the node has',
    ],
    ['Math.min(valueLimit, capacityBytes * capacityMargin)', 'capacityBytes', 'memory has no margin over the capacity'],
    [
      'return memoryBytes > limits.mostMemoryBytes',
      'return false',
      'as objects, more memory is served than the node has',
    ],
    ['2 * resolutionMs, 2 * spacingMs', '2 * resolutionMs', 'a node that samples seldom is never served'],
    ['longestWindowAtLeastMs, 2 * resolutionMs', 'longestWindowAtLeastMs', 'a resolution of an hour is never served'],
    [
      'startTimeMs + startTimeResolutionMs > sampleMs',
      'startTimeMs > sampleMs',
      'a restart in the second of the last sample is no restart',
    ],
  ]),
  ...mutate('storage/rate.ts', tests, [
    [
      '!Number.isNaN(value) && isServed(gauge, hasSwap)',
      '!Number.isNaN(value)',
      'nodes without swap have a swap usage',
    ],
    ['value !== undefined && !Number.isNaN(value)', 'value !== undefined', 'an unknown gauge is served'],
    [
      'if (!isSorted) usages.sort((a, b) => (a.name < b.name ? -1 : 1));',
      '',
      'containers are in the order of the layout',
    ],
    [
      'usage.timestampMs < oldest.timestampMs',
      'usage.timestampMs > oldest.timestampMs',
      "a pod's time is that of its newest container",
    ],
    ['Math.trunc(usedNanoseconds', '(usedNanoseconds', 'nanocores have fractions'],
    [
      'Math.trunc(lastSeconds * 1e9) - Math.trunc(baseSeconds * 1e9)',
      '(lastSeconds - baseSeconds) * 1e9',
      'the counters are not cut to whole nanoseconds, as by metrics-server',
    ],
    ['Math.max(0, Math.trunc(last', '(Math.trunc(last', 'a counter that went back by its jitter is a negative use'],
  ]),
  ...mutate('storage/samplepair.ts', tests, [
    [
      '!mayBeSameContainer(pair.last.containerId, point.containerId)',
      'false',
      "a restarted container goes on from its predecessor's counter",
    ],
    ['ageMs >= freshMinimumMs && ', '', 'a container of a second is served by one sample'],
    [
      '!isFresh || !isPossible(point.cpuSeconds, ageMs, limits)',
      '!isFresh',
      'a start time that has moved makes thousands of cores',
    ],
    [
      "if (pair.lacksValue === true) return { kind: 'missing', reason: 'stale' };",
      '',
      'a sample without a value is a usage',
    ],
    ["{ last: point, base: 'restarted', ...(", '{ last: point, base: pair.last, ...(', 'a rate goes over a restart'],
    [
      'if (follows && !isOtherClock(rival, point)) return { last: point, base: rival };',
      '',
      'a machine exchanged under its name is never served',
    ],
    [
      'return misfit(nowMs - rivalMs, limits.sinceScrapeMs) < misfit(nowMs - lastMs, 2 * limits.sinceScrapeMs);',
      'return false;',
      'a window goes over a step of the clock',
    ],
    [
      "return classify(rival, point, startTimeMs, limits) === 'newer';",
      'return false;',
      'the sample after an odd one is counted from that',
    ],
    [
      'if (hasStartedSince(stampMs(rival), believedStartMs(startTimeMs, stampMs(point), limits))) return false;',
      '',
      'a restarted container goes on from before its restart',
    ],
    [' && point.cpuSeconds > 0;', ';', 'a counter that is not reported yet is a use of nothing'],
    [
      'isFirstCounter ? believedStartMs(startTimeMs, stampMs(point), limits) : Number.NaN',
      'Number.NaN',
      'a first counter is no usage',
    ],
    [
      'isFirstCounter ? believedStartMs(startTimeMs, stampMs(point), limits) : Number.NaN',
      'isFirstCounter ? startTimeMs : Number.NaN',
      'a first counter is counted from a start before a step of the clock',
    ],
    ['return { last, base, rival: point };', 'return { last: point, base: last };', 'one absurd sample is served'],
    ['return rawTimestampMs ?? timestampMs;', 'return timestampMs;', 'an old sample gets a new time with each answer'],
  ]),
  ...mutate('storage/rows.ts', tests, [
    [
      'if (intervalMs <= 0) continue;',
      'if (intervalMs < 0) continue;',
      'in rows, the same sample again is a window of nothing',
    ],
    ["kind !== 'newer' && kind !== 'repeated'", 'false', 'rows take in what is remarkable'],
    ['if (!isPlainTime(numbers, row)) return needsSlowPath;', '', 'rows take in times that are not believed'],
    [
      'if (hasOneSample(rows, first) && !areAllNewer(rows, first, count, numbers)) return needsSlowPath;',
      '',
      'a pod is served with a container that has one sample',
    ],
    ['if (!(newMs > rows[', 'if (!(newMs >= rows[', 'a row of equal time is a second sample'],
    ["base !== 'restarted' &&", '', 'a restarted container is taken for one with a single sample'],
    ['    rival === undefined &&\n', '', 'a rival is forgotten in rows'],
    ['    lacksValue === undefined &&\n', '', 'a lack of a value is forgotten in rows'],
    [
      'newest = Math.max(newest, rows',
      'newest = Math.min(Infinity, rows',
      'a pod counts as new by its last container alone',
    ],
  ]),
  ...mutate('storage/storednode.ts', tests, [
    ['absent.size > 0) return false', 'false) return false', 'a container whose rows are away is forgotten'],
    ["(pair.base !== 'one-sample') === hasUsage", 'true', 'a pod of which nothing is served is in rows'],
    ['[...pods, ...unreported].map', '[...pods].map', 'unreported pods are not in snapshots'],
  ]),
  ...mutate('storage/storage.ts', tests, [
    ['unchecked.add(name);', '', 'a snapshot is not checked once the capacity is known'],
    [
      'if (table.nodes.has(name) || isOtherNode(state.uid, nodeUid(name))) continue;',
      'if (table.nodes.has(name)) continue;',
      'a snapshot of another machine is restored',
    ],
    [
      'if (isOtherNode(table.nodes.get(name)?.uid, uid)) table.delete(name);',
      '',
      'a machine exchanged under its name goes on',
    ],
  ]),
  ...mutate('storage/nodeupdate.ts', tests, [
    [
      "pod.layout.uid !== undefined && readPod(pod, nowMs, options.stalenessMs).kind === 'ready'",
      "readPod(pod, nowMs, options.stalenessMs).kind === 'ready'",
      'a silent pod without a UID is kept',
    ],
    [
      'index\n    .named(namespace, name)\n    .find((pod) => pod.node.name === node && (',
      'index\n    .named(namespace, name)\n    .find((pod) => (',
      'a pod goes on from the samples of another node',
    ],
    ['batch.hasSwap ?? known?.hasSwap ?? false', 'batch.hasSwap ?? false', 'swap is forgotten when none is in use'],
  ]),
  ...mutate('storage/podupdate.ts', tests, [
    [
      'if (newestMs(rows, firstRow, containers.length) !== newestBeforeMs) pod.sinceMs = nowMs;',
      'pod.sinceMs = nowMs;',
      'a kubelet that repeats itself is never stale',
    ],
    [
      'update.previous?.source === batch.source && !hasStepped',
      '!hasStepped',
      'of a node that was just found, start times are believed',
    ],
  ]),
  ...mutate('storage/usagereader.ts', tests, [
    ['if (isBetter(answer, best)) best = answer;', 'best = answer;', "the last of two nodes' pods wins"],
    ['isStale(pod.sinceMs, nowMs, staleness)', 'false', 'usages in rows are never stale'],
  ]),
  ...mutate('storage/admission.ts', tests, [
    [
      'if (knownPod(namespace, name) !== known[index]) return false;',
      '',
      'a UID of yesterday is kept for a row of /metrics/resource',
    ],
    ['if (from.version !== layout.version) return false;', '', 'a layout of yesterday is kept'],
    ['unverified.size >= unknownPodLimit', 'false', 'a node may invent any number of pods'],
    ['      unverified.add(pod);\n', '', 'pods of which the API says nothing count as verified'],
  ]),
  ...mutate('storage/placement.ts', tests, [
    ["if (node !== batch.node) return 'foreign';", '', "another node's pod is stored"],
    [
      "isOfEarlierPod(bound, known, batch, clockAheadMs, bindings) ? 'earlier' : { pod: bound, isVerified: true }",
      '{ pod: bound, isVerified: true }',
      'a container that is older than its pod is the pod',
    ],
    ['if (known.configHash !== undefined || ', 'if (', 'static pods are older than their mirror pods'],
    ['uid: known.configHash ?? known.uid', 'uid: known.uid', 'a static pod is another one by the other endpoint'],
  ]),
  ...mutate('storage/podmatch.ts', tests, [
    [
      'pod.node.name === identity.node && isExact(pod, identity)',
      'isExact(pod, identity)',
      "a pod is read from a node that is not the pod's",
    ],
    [
      'pod.node.name === identity.node && isExact(pod, identity)',
      'pod.node.name === identity.node',
      'a pod of yesterday under the same name is served',
    ],
    ['(layout.uid === uid || layout.uid === configHash)', '(layout.uid === uid)', 'static pods are not found'],
    ['areOfOneNode(verified) ? verified : []', 'candidates', 'of two claimants, both are served'],
  ]),
  ...mutate('storage/spacing.ts', tests, [
    ['if (previous.lacksValue === true) return undefined;', '', 'scrapes without a value make a slow kubelet'],
    ['nowMs - previous.storedMs <= stalenessMs', 'true', 'an outage makes a slow kubelet'],
    ['previous.spacingMs * decay', '0', 'the spacing is that of the last scrape alone'],
    [
      'Math.min(spacingLimitMs, ',
      'Math.min(Infinity, ',
      'a silent node is served for as long as its clock has stepped',
    ],
    [
      'nowMs - previous.storedMs > onTimeResolutions * resolutionMs || ',
      '',
      'a missed scrape is taken for slow samples',
    ],
  ]),
  ...mutate('storage/lastusage.ts', tests, [
    ['repeated ? previous.last.sinceMs : nowMs', 'nowMs', 'the same samples again are news'],
    ['nowMs - sinceMs > stalenessMs(staleness)', 'false', 'usages are never stale'],
    [
      'Math.max(newest, timestampMs), -Infinity)',
      'Math.min(newest, timestampMs), Infinity)',
      'a pod is stale with its stalest container',
    ],
  ]),
  ...mutate('storage/podusage.ts', tests, [
    ['filter(({ rival }) => rival === undefined)', 'filter(() => true)', 'times of two clocks are compared'],
    [' &&\n    previous?.get(name)?.last === last', '', 'a container that has just come has ended, if its time is old'],
    [
      'last.timestampMs > longestMs',
      'last.timestampMs > limitMs',
      'a container of a slow kubelet has ended before its second sample',
    ],
    ['previous?.valuelessMs ?? -Infinity', '-Infinity', 'a container that was odd is not waited for'],
    ['if (lacksValue) return', 'if (ready.size === 0) return', 'a pod is served without a container whose row is odd'],
    ['    lacksValue === undefined &&\n', '', 'a container that waits and lacks a value has ended'],
    [
      '{ ...whole, valuelessMs: scrape.nowMs };\n  const',
      '{ ...whole };\n  const',
      'a slow container is not waited for after a clock step',
    ],
    [
      'if (remaining.length !== now.size || remaining.length === 0) return',
      'if (remaining.length === 0) return',
      'an init container stands in for the pod',
    ],
    [
      'newestMs - last.timestampMs > longestMs &&\n    previous',
      'false && previous',
      'a container that has ended is waited for',
    ],
  ]),
  ...mutate('storage/snapshot.ts', tests, [
    ['ageMs: ageMs(last.sinceMs, nowMs)', 'ageMs: 0', 'a restart makes usages young'],
    ['Math.max(0, nowMs - sinceMs)', 'nowMs - sinceMs', 'a snapshot with ages below 0 is written'],
    ['), longestMs)', '), Infinity)', 'a snapshot with ages that it may not hold is written'],
    ['storedAgeMs: ageMs(storedMs, nowMs)', 'storedAgeMs: 0', 'a restart makes the last scrape recent'],
    ['sinceMs: thenMs - last.ageMs', 'sinceMs: thenMs', 'ages in a snapshot are not read'],
    ['ageMs < 0 || ageMs > oldestMs', 'false', 'a snapshot of yesterday is restored'],
    ['version !== snapshotVersion || ', '', 'a snapshot of another version is read'],
    [
      "if (createHash('sha256').update(body).digest('hex') !== sum) throw new SnapshotError('its checksum is wrong');",
      '',
      'a changed snapshot is read',
    ],
  ]),
];

/** The stand-in's autoscaler computes as the controller of Kubernetes does. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decide, proposedReplicas } from '../../standin/replicas.ts';

/** Pods a, b, ... with these values; undefined: missing. */
function propose(values: readonly (number | undefined)[], target = 100, fallback = target): number {
  const pods = values.map((_, index) => `pod-${index}`);
  const known = new Map(
    values.flatMap((value, index): [string, number][] => (value === undefined ? [] : [[`pod-${index}`, value]])),
  );
  return proposedReplicas({ currentReplicas: pods.length, pods, values: known, target, fallback });
}

describe('the replicas that an autoscaler wants', () => {
  const cases = [
    { name: 'the same within a tolerance of 10 %', values: [109, 109], wanted: 2 },
    { name: 'more above it, rounded up', values: [150, 151], wanted: 4 },
    { name: 'fewer below it', values: [40, 50, 60, 10], wanted: 2 },
    { name: 'missing pods count as nothing when the others want more', values: [300, 300, undefined], wanted: 6 },
    { name: 'no change of direction by missing pods', values: [120, undefined], wanted: 2 },
    { name: 'missing pods count as at the target when the others want fewer', values: [10, 10, undefined], wanted: 2 },
  ];
  for (const { name, values, wanted } of cases) test(name, () => assert.equal(propose(values), wanted));
});

describe('the limits of an autoscaler', () => {
  const bounds = { minReplicas: 2, maxReplicas: 10, scales: true };
  const cases = [
    { name: 'within them', current: 3, proposed: 5, recent: [], replicas: 5, reason: 'DesiredWithinRange' },
    { name: 'too many', current: 9, proposed: 12, recent: [], replicas: 10, reason: 'TooManyReplicas' },
    { name: 'too few', current: 3, proposed: 1, recent: [1], replicas: 2, reason: 'TooFewReplicas' },
    { name: 'too fast', current: 2, proposed: 9, recent: [], replicas: 6, reason: 'ScaleUpLimit' },
    {
      name: 'the highest recent proposal',
      current: 8,
      proposed: 3,
      recent: [7, 3],
      replicas: 7,
      reason: 'DesiredWithinRange',
    },
  ];
  for (const { name, current, proposed, recent, replicas, reason } of cases) {
    test(name, () => {
      const decision = decide(current, proposed, recent, bounds);
      assert.deepEqual([decision.replicas, decision.scalingLimited.reason], [replicas, reason]);
    });
  }

  test('a proposal that waits for the window is reported', () => {
    assert.equal(decide(8, 3, [7, 3], bounds).ableToScale.reason, 'ScaleDownStabilized');
  });

  test('none may be left by behavior', () => {
    const disabled = { ...bounds, scales: false };
    assert.deepEqual(
      [decide(3, 5, [], disabled), decide(3, 2, [], disabled)].map(({ replicas, scalingLimited }) => [
        replicas,
        scalingLimited.reason,
      ]),
      [
        [3, 'ScaleUpLimit'],
        [3, 'ScaleDownLimit'],
      ],
    );
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContainerPoint, NodePoints, Point } from '../../../../src/sample/point.ts';
import { missingInCadvisor } from '../../../../src/scrape/source/coverage.ts';

const nodeTimeMs = 1_795_377_600_000;
const machine: Point = { timestampMs: nodeTimeMs, cpuSeconds: 1, memoryBytes: 1 };

const container = (name: string, rest: Partial<ContainerPoint> = {}): ContainerPoint => ({
  ...machine,
  name,
  containerId: name,
  startTimeMs: nodeTimeMs - 600_000,
  ...rest,
});
const batch = (
  pods: Readonly<Record<string, readonly ContainerPoint[]>>,
  of: Point | undefined = machine,
): NodePoints => ({
  node: 'node-a',
  source: 'cadvisor',
  machine: of,
  hasSwap: undefined,
  pods: Object.entries(pods).map(([name, containers]) => ({ namespace: 'shop', name, uid: undefined, containers })),
});

describe('the comparison of cAdvisor with /metrics/resource', () => {
  const check = (name: string, cadvisor: NodePoints, resource: NodePoints, expected: string | undefined) =>
    test(name, () => assert.equal(missingInCadvisor(cadvisor, resource, nodeTimeMs), expected));
  const both = batch({ web: [container('app'), container('proxy')] });
  check('finds nothing if both report the same', both, both, undefined);
  check('finds nothing if cAdvisor reports more', both, batch({ web: [container('app')] }), undefined);
  check('a pod', batch({}), batch({ web: [container('app')] }), 'cAdvisor has no numbers of pod shop/web');
  check(
    'several',
    batch({}),
    batch({ b: [container('x')], a: [container('x')] }),
    'cAdvisor has no numbers of pod shop/a and 1 more',
  );
  check(
    'a container without a value',
    batch({ web: [container('app', { memoryBytes: Number.NaN })] }),
    batch({ web: [container('app')] }),
    'cAdvisor has no numbers of pod shop/web',
  );
  check('one container of a pod', batch({ web: [container('app')] }), both, 'cAdvisor has no numbers of pod shop/web');
  const zero = batch({ web: [container('app', { cpuSeconds: 0, memoryBytes: 0 })] });
  check(
    'a container that is nothing but zero',
    zero,
    batch({ web: [container('app')] }),
    'cAdvisor has no numbers of pod shop/web',
  );
  check(
    'a container without a working set, though it uses CPU',
    batch({ web: [container('app', { memoryBytes: 0 })] }),
    batch({ web: [container('app')] }),
    'cAdvisor has no numbers of pod shop/web',
  );
  check('nothing where the runtime knows no more', batch({}), zero, undefined);
  const young = batch({ web: [container('app', { startTimeMs: nodeTimeMs - 59_000 })] });
  check('nothing yet of a container that has just started', batch({}), young, undefined);
  check('the machine', { ...both, machine: undefined }, both, 'cAdvisor has no numbers of the node');
  check(
    'nothing where neither has the machine',
    { ...both, machine: undefined },
    { ...both, machine: undefined },
    undefined,
  );
});

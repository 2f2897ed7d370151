/** Objects that a program on a client library must read from metrics.k8s.io, in every version and in every way that the library has. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { field, items, text } from '../../src/client/json.ts';
import { readSettings } from '../cluster/settings.ts';
import { printed } from './execute.ts';
import type { Answer, Program } from './programs.ts';
import {
  hasNode,
  hasPagesOfNodes,
  hasPagesOfPods,
  hasPastOfNode,
  hasPastOfPod,
  hasPod,
  isNode,
  isPod,
} from './readings.ts';
import type { Target } from './target.ts';

export function describeProgram({ name, ways, install }: Program, target: Target): void {
  const { node, pod, versions, kubeconfig } = target;
  describe(name, () => {
    let words: readonly string[];
    before(async () => {
      words = await install(readSettings());
    });

    for (const version of versions) {
      describe(version, () => {
        let answers: unknown;
        before(async () => {
          const output = await printed(target, [...words, kubeconfig, version, node, pod.namespace, pod.name]);
          answers = JSON.parse(output);
        });

        for (const [way, { answers: given, only = version }] of Object.entries(ways)) {
          if (only !== version) continue;
          for (const answer of given) {
            test(`${way}: ${answer}`, () => checks[answer](field(field(answers, way), answer), target));
          }
        }
      });
    }
  });
}

const checks: Readonly<Record<Answer, (answer: unknown, target: Target) => void>> = {
  node: isNode,
  nodes: hasNode,
  nodeWatch: isRefused,
  nodesPast: hasPastOfNode,
  nodesPaged: hasPagesOfNodes,
  pod: isPod,
  pods: hasPod,
  podWatch: isRefused,
  podsPast: hasPastOfPod,
  podsPaged: hasPagesOfPods,
  top: isTop,
};

function isRefused(answer: unknown): void {
  assert.equal(answer, 'MethodNotAllowed');
}

/** Asserts the output of topPods of the JavaScript client. */
function isTop(answer: unknown, { pod }: Target): void {
  const found = items(answer).find(
    (status) => text(field(field(field(status, 'Pod'), 'metadata'), 'name')) === pod.name,
  );
  const containers = items(field(found, 'Containers'));
  assert.deepEqual(containers.map((container) => text(field(container, 'Container')) ?? '').sort(), pod.containers);
  const used = (of: unknown, resource: string) => Number(field(field(of, resource), 'CurrentUsage'));
  assert.ok(used(found, 'CPU') >= 0);
  assert.ok(used(found, 'Memory') > 0);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeletClient } from '../../../../src/kubelet/client.ts';
import { createKubeletReader } from '../../../../src/scrape/endpoint/kubeletreader.ts';
import { createTarget } from '../../../../src/scrape/source/target.ts';
import { createFakeClock } from '../../../fakes/clock.ts';
import { encodeText, type FamilySample, textContentType } from '../../../fakes/exposition.ts';

const nodeTimeMs = 1_795_377_600_000;

/** Families that all have the same rows; the values do not matter here. */
const bodyOf = (rows: Readonly<Record<string, Readonly<Record<string, string>>>>): Buffer =>
  encodeText(
    Object.entries(rows).map(([name, labels]) => {
      const sample: FamilySample = { labels, value: 7, timestampMs: nodeTimeMs - 1_000 };
      return { name, help: '', type: 'gauge', samples: [sample] };
    }),
  );

test('a node whose cAdvisor has no row of the machine falls back to /metrics/resource if that has one', async () => {
  const labels = { container: 'app', namespace: 'shop', pod: 'web' };
  const id = `/kubepods/pod66bbaa5b-bd35-4f20-902f-f9e469f6c321/${'1'.repeat(64)}`;
  const bodies = {
    cadvisor: bodyOf({
      container_cpu_usage_seconds_total: { ...labels, id },
      container_memory_working_set_bytes: { ...labels, id },
    }),
    resource: bodyOf({
      container_cpu_usage_seconds_total: labels,
      container_memory_working_set_bytes: labels,
      node_cpu_usage_seconds_total: {},
      node_memory_working_set_bytes: {},
    }),
  };
  const kubelet: KubeletClient = {
    fetch: async ({ path, onBody }) => {
      const body = path.startsWith('/metrics/cadvisor') ? bodies.cadvisor : bodies.resource;
      const head = { status: 200, contentType: textContentType, dateMs: nodeTimeMs };
      onBody?.(head)?.write(body);
      const answer = { ...head, body: Buffer.alloc(0), wireBytes: body.length };
      return { ...answer, via: 'kubelet', address: '127.0.0.1:10250', verifiedBy: 'address' };
    },
    release: () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  const expectations = { isRunning: () => true, anyUnreported: () => false };
  const clock = createFakeClock();
  const endpoint = createKubeletReader('node-1', kubelet, clock);
  const target = createTarget({ reader: endpoint, mode: 'auto', expectations, clock });
  const candidates = { kind: 'candidates', candidates: [{ host: '127.0.0.1', port: 10250 }] } as const;
  const fallbacks: (string | undefined)[] = [];
  for (let scrape = 0; scrape < 4; scrape += 1) {
    const outcome = await target.scrape({ candidates, resourcePath: undefined }, new AbortController().signal);
    if (outcome.kind !== 'scraped') assert.fail(outcome.why.what);
    fallbacks.push(outcome.fallback);
  }
  const why = 'cAdvisor has no numbers of the node';
  assert.deepEqual(fallbacks, [undefined, undefined, why, why]);
});

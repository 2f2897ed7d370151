/** Counts the calls of the functions that only fast paths call, in the whole program: none with --disable-fast-path, some without it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { coresUsed } from '../fakes/wholecluster.ts';
import type { Calls } from './fastpathcalls.ts';

/** File below src, and function; of each module with a fast path. */
const fastPaths = [
  ['exposition: matched series', 'exposition/seriesmatcher.ts', 'takeExpected'],
  ['decode: numbers of a steady batch', 'decode/fastpath.ts', 'copyNumbers'],
  ['storage: rows of numbers', 'storage/rows.ts', 'updateRows'],
  ['api: compact JSON', 'api/jsonpieces.ts', 'jsonPieces'],
] as const;

const script = path.join(import.meta.dirname, 'fastpathcalls.ts');

async function callsWith(flags: readonly string[]): Promise<Calls> {
  const child = spawn(process.execPath, [script, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(await text(child.stdout)) as Calls;
}

const keyOf = ([, file, name]: (typeof fastPaths)[number]): string => `${file} ${name}`;

/** Parses the quantities that CPU has: 250m, 1234567n, 1. */
function parseCores(quantity: string): number {
  const scale = { n: 1e-9, u: 1e-6, m: 1e-3 }[quantity.at(-1) ?? ''] ?? 1;
  return Number.parseInt(quantity, 10) * scale;
}

/** Cores of each container. */
function cores(pods: string): Map<string, number> {
  const { items } = JSON.parse(pods) as {
    items: { metadata: { name: string }; containers: { name: string; usage: { cpu: string } }[] }[];
  };
  return new Map(
    items.flatMap(({ metadata, containers }) =>
      containers.map(({ name, usage }) => [`${metadata.name}/${name}`, parseCores(usage.cpu)]),
    ),
  );
}

test('--disable-fast-path takes no fast path, and serves the same usages', async (t) => {
  const [usual, slow] = await Promise.all([callsWith([]), callsWith(['--disable-fast-path'])]);
  for (const fastPath of fastPaths) {
    t.diagnostic(`${fastPath[0]}: ${usual.calls[keyOf(fastPath)]} calls, ${slow.calls[keyOf(fastPath)]} with the flag`);
    assert.ok((usual.calls[keyOf(fastPath)] ?? 0) > 0, `${fastPath[0]} is not taken without the flag`);
    assert.equal(slow.calls[keyOf(fastPath)] ?? 0, 0, `${fastPath[0]} is taken with the flag`);
  }
  // The admission of pods has its fast path inside a function: with the flag each batch is decided about.
  const decided = ({ calls }: typeof usual) => [
    calls['storage/admission.ts admit'],
    calls['storage/admission.ts decide'],
  ];
  const [admitted = 0, decisions = 0] = decided(usual);
  assert.ok(decisions > 0 && decisions < admitted, `${decisions} decisions about ${admitted} batches`);
  const [slowAdmitted, slowDecisions] = decided(slow);
  assert.equal(slowDecisions, slowAdmitted);
  for (const { pods } of [usual, slow]) {
    const found = cores(pods);
    assert.ok(found.size > 0);
    for (const [name, used] of found)
      assert.ok(Math.abs(used - coresUsed) < 0.05 * coresUsed, `${name}: ${used} cores`);
  }
  assert.deepEqual([...cores(usual.pods).keys()], [...cores(slow.pods).keys()]);
});

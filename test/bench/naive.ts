/** A naive reader of text bodies: a regular expression for every line, and Maps of the results. Faster readers must find the same. */
import { isDeepStrictEqual } from 'node:util';
import type { Used } from './decodeonce.ts';

/** The containers by `namespace/pod/container`. */
export function readNaively(text: Uint8Array): ReadonlyMap<string, Used> {
  const found = new Map<string, Used>();
  for (const line of Buffer.from(text).toString().split('\n')) {
    const match = /^(container_cpu_usage_seconds_total|container_memory_working_set_bytes)\{(.*)\} (\S+)/.exec(line);
    if (match === null) continue;
    const labels = Object.fromEntries([...(match[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k, v]));
    // Pods and the machine as a whole have rows of their own, without a container.
    if (labels['container'] === '') continue;
    const key = `${labels['namespace']}/${labels['pod']}/${labels['container']}`;
    const { cpuSeconds, memoryBytes } = found.get(key) ?? { cpuSeconds: Number.NaN, memoryBytes: Number.NaN };
    const value = Number(match[3]);
    const isCpu = match[1] === 'container_cpu_usage_seconds_total';
    found.set(key, isCpu ? { cpuSeconds: value, memoryBytes } : { cpuSeconds, memoryBytes: value });
  }
  return found;
}

/** @throws Error with the first container that is not the same. */
export function mustBeTheSame(
  what: string,
  decoded: ReadonlyMap<string, Used>,
  expected: ReadonlyMap<string, Used>,
): void {
  if (expected.size === 0) throw new Error(`${what}: there is nothing to compare`);
  for (const key of new Set([...expected.keys(), ...decoded.keys()])) {
    const [is, shouldBe] = [decoded.get(key), expected.get(key)].map(
      (used) => used && { cpuSeconds: used.cpuSeconds, memoryBytes: used.memoryBytes },
    );
    if (isDeepStrictEqual(is, shouldBe)) continue;
    throw new Error(
      `${what}: ${key} was decoded as ${JSON.stringify(is)}, and a naive reader finds ${JSON.stringify(shouldBe)}`,
    );
  }
}

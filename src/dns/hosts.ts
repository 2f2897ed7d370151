/** Parses hosts(5). */
import { isIP } from 'node:net';
import type { Address } from './address.ts';

/** Addresses by `keyOf` the name, in the file's order. */
export type Hosts = ReadonlyMap<string, readonly Address[]>;

export function parseHosts(text: string): Hosts {
  const hosts = new Map<string, Address[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = (line.split('#', 1)[0] ?? '').split(/[ \t\r]/).filter((word) => word !== '');
    const family = isIP(address);
    if (family !== 4 && family !== 6) continue;
    for (const name of names.map(keyOf)) {
      const known = hosts.get(name) ?? [];
      if (!known.some((each) => each.address === address)) known.push({ address, family });
      hosts.set(name, known);
    }
  }
  return hosts;
}

/** Returns the name in lower case, without a trailing dot. */
export function keyOf(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

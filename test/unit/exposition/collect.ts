/** Copies all samples of a body. */
import type { Read } from './read.ts';

export interface Collected {
  readonly family: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** NaN where there is none. */
  readonly timestampMs: number;
}

/** Reads a body and looks up the given labels of each sample; '' is left out. */
export function collect(
  read: Read,
  body: Uint8Array,
  names: readonly string[],
  labelNames: readonly string[],
): { readonly samples: Collected[]; readonly hasOtherFamilies: boolean } {
  const samples: Collected[] = [];
  const seen = read(body, names, (sample) => {
    const labels: Record<string, string> = {};
    for (const name of labelNames) {
      const value = sample.label(name);
      if (value !== '') labels[name] = value;
    }
    samples.push({ family: names[sample.family] ?? '', labels, value: sample.value, timestampMs: sample.timestampMs });
  });
  return { samples, hasOtherFamilies: seen.hasOtherFamilies };
}

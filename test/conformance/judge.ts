/** Runs one case against both servers and says what is wrong, if anything. */
import { isDeepStrictEqual } from 'node:util';
import type { Case, Exchange } from './case.ts';
import { differencesBetween } from './compare.ts';
import { differences } from './differences.ts';
import type { Lab } from './lab.ts';
import { normalise } from './normalise.ts';

/** Lines about what is wrong; none when all is as stated. */
export async function judge(lab: Lab, stated: Case): Promise<string[]> {
  const { real, ours } = 'question' in stated ? await exchanged(lab, stated) : await probed(lab, stated);
  const surprise = surpriseAbout(stated, real);
  if (surprise.length > 0) return surprise;
  return verdict(stated, real, ours);
}

/** Returns differences between two observations that are not stated, as sentences. Exported for its tests. */
export function verdict({ differs }: Pick<Case, 'differs'>, real: unknown, ours: unknown): string[] {
  const lines = differencesBetween(real, ours);
  if (differs === undefined) return lines;
  if (lines.length === 0) return [`equal, although the difference ${JSON.stringify(differs)} is stated`];
  const otherwise = differencesBetween(differences[differs].ours(real), ours);
  return otherwise.map((line) => `other than stated by ${JSON.stringify(differs)}: ${line}`);
}

async function exchanged(lab: Lab, { question, compare }: Exchange) {
  const [real, ours] = await Promise.all([
    lab.client.ask(lab.pair.real, question),
    lab.client.ask(lab.pair.ours, question),
  ]);
  return { real: normalise(real, compare), ours: normalise(ours, compare) };
}

async function probed(lab: Lab, { probe }: Exclude<Case, Exchange>) {
  const real = await probe(lab.watch('real'));
  return { real, ours: await probe(lab.watch('ours')) };
}

function surpriseAbout(stated: Case, real: unknown): string[] {
  if ('question' in stated) {
    const status = (real as { readonly status: number }).status;
    return status === stated.status ? [] : [`the real server's status: ${stated.status} expected, ${status} seen`];
  }
  if (stated.expect === undefined || isDeepStrictEqual(stated.expect, real)) return [];
  return [`the real server: ${JSON.stringify(stated.expect)} expected, ${JSON.stringify(real)} seen`];
}

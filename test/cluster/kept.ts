/** Build results that take long and never change: folders in the cache, each named by a hash of all its inputs. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';

export interface Kept {
  readonly cache: string;
  readonly name: string;
  /** Contents and words; another one is another folder. */
  readonly decidedBy: readonly (string | Buffer)[];
  /** Fills the empty folder. It has another path then. */
  make(folder: string): Promise<void>;
}

/** The folder's path, which make() has filled now or at an earlier time. */
export async function keep({ cache, name, decidedBy, make }: Kept): Promise<string> {
  const hash = createHash('sha256');
  for (const part of decidedBy) hash.update(part);
  const folder = path.join(cache, `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(path.join(cache, `.${name}-`));
  try {
    await make(unfinished);
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another process may have been quicker; its result is as good.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** A file with CA certificates that an operator names in a flag and may replace while we run. */
import { readFile } from 'node:fs/promises';
import { parseTrustBundle, type TrustBundle, type TrustLog } from './trustbundle.ts';

export interface TrustFile {
  /** What was read last; the same object as long as the file has the same text. */
  bundle(): TrustBundle;
  /** Reads the file again; throws Error when it is not good any more, and keeps what it has. */
  reread(): Promise<void>;
}

/** @throws Error when the file cannot be read or holds no certificates. */
export async function openTrustFile(path: string, log?: TrustLog): Promise<TrustFile> {
  let text = await readText(path);
  let bundle = parseTrustBundle(text, path, log);
  return { bundle: () => bundle, reread };

  async function reread(): Promise<void> {
    const found = await readText(path);
    if (found === text) return;
    bundle = parseTrustBundle(found, path, log);
    text = found;
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Error(`cannot read ${path}; is it there, and may this user read it?`, { cause });
  }
}

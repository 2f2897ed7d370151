/** Writes to the folder of --cert-dir. */
import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { describeError, type Logger } from '../logging.ts';
import { folderProblem, makeFolder } from '../ownfile.ts';

/** The file by which `kubegauge status` verifies the server: its certificate, or in a pod the root's. */
export const certificateFile = 'kubegauge.crt';

export interface CertDir {
  /** Reports whether the folder can hold files: not after a failure, and never if the path is empty. */
  isUsable(): boolean;
  /** Replaces files in this order, each a path in the folder and its text. Logs a failure and writes nothing from then on. */
  write(files: readonly (readonly [file: string, content: string])[]): Promise<void>;
}

export interface CertDirOptions {
  /** Empty for none. */
  readonly certDir: string;
  readonly log: Logger;
  /** Says in the warning what is done without the folder. */
  readonly otherwise: string;
}

/** Never fails; logs why the folder cannot be used. */
export async function openCertDir({ certDir, log, otherwise }: CertDirOptions): Promise<CertDir> {
  let isUsable = certDir !== '' && (await isSafe());
  return {
    isUsable: () => isUsable,
    write: async (files) => {
      if (!isUsable) return;
      try {
        await makeFolder(certDir);
        for (const [file, content] of files) await replace(file, content);
      } catch (error) {
        isUsable = false;
        log.warn({ code: 'CertDirUnusable', folder: certDir, err: error }, `cannot write to --cert-dir; ${otherwise}`);
      }
    },
  };

  async function isSafe(): Promise<boolean> {
    const reason = await folderProblem(certDir).catch(describeError);
    if (reason === undefined) return true;
    log.warn({ code: 'CertDirUnusable', folder: certDir, reason }, `--cert-dir cannot be used; ${otherwise}`);
    return false;
  }
}

/** Never writes to what was there, such as a symbolic link. */
async function replace(file: string, content: string): Promise<void> {
  const next = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await using handle = await open(next, 'wx', 0o600);
    await handle.writeFile(content);
    await rename(next, file);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
}

/** Files and folders that only this user can have written: others can write to folders such as /tmp. */
import { constants } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import path from 'node:path';

/** Bits of a file's mode by which other users can change it. */
export const othersMayWrite = 0o022;
/** Bits of a file's mode by which other users can read or change it. */
export const othersMayRead = 0o077;

/** Follows no link and does not wait for the writer of a FIFO. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface OwnFileLimits {
  readonly forbiddenMode: number;
  readonly sizeLimitBytes: number;
}

/**
 * Returns the text of a regular file that belongs to this user.
 * @throws Error that names the problem; the file system's error where the file cannot be opened.
 */
export async function readOwnFile(file: string, { forbiddenMode, sizeLimitBytes }: OwnFileLimits): Promise<string> {
  await using handle = await open(file, flags);
  const stats = await handle.stat();
  const { uid, mode, size } = stats;
  if (!stats.isFile()) throw new Error(`${file} is not a regular file`);
  // Windows has no numeric users and no modes.
  const self = process.geteuid?.();
  if (self !== undefined && (uid !== self || (mode & forbiddenMode) !== 0)) {
    throw new Error(`${file} could be changed or read by other users`);
  }
  if (size > sizeLimitBytes) throw new Error(`${file} has ${size} bytes, more than ${sizeLimitBytes}`);
  return await handle.readFile('utf8');
}

/** The facts that decide whether other users can replace files in a folder. */
export interface FolderFacts {
  readonly ownerUid: number;
  readonly mode: number;
  readonly isVolume: boolean;
  readonly ownUid: number;
}

/** Only the owners of files and of the folder can replace files. */
const stickyBit = 0o1000;
const rootUid = 0;

/** Returns how other users could replace our files, and the remedy; undefined also without a folder. */
export async function folderProblem(folder: string): Promise<string | undefined> {
  const ownUid = process.geteuid?.();
  if (ownUid === undefined) return undefined;
  const found = await statOf(folder);
  if (found === undefined) return undefined;
  if (!found.isDirectory()) return 'it is not a folder';
  const isVolume = (await statOf(path.join(folder, '..')))?.dev !== found.dev;
  return folderProblemOf({ ownerUid: found.uid, mode: found.mode, isVolume, ownUid });
}

/** Returns a problem by these facts. A volume belongs to the pod: kubelets create an emptyDir as root with mode 0777, or 2777 with an fsGroup. */
export function folderProblemOf({ ownerUid, mode, isVolume, ownUid }: FolderFacts): string | undefined {
  if (isVolume) return undefined;
  if (ownerUid !== ownUid && ownerUid !== rootUid) {
    return `it belongs to the user ${ownerUid}, who could replace what is in it; use a folder of user ${ownUid}`;
  }
  if ((mode & othersMayWrite) === 0 || (mode & stickyBit) !== 0) return undefined;
  return 'other users could replace what is in it; take their right to write away (chmod go-w) or use another folder';
}

/**
 * Makes a folder for this user only, and its missing parents. Node's own recursive mkdir tries forever where a file
 * system makes no folders, as procfs.
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await makeOneFolder(folder);
  } catch (error) {
    const parent = path.dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === folder) throw error;
    await makeFolder(parent);
    await makeOneFolder(folder);
  }
}

async function makeOneFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST' && (await stat(folder)).isDirectory();
    if (!isThere) throw error;
  }
}

async function statOf(folder: string) {
  return stat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    return undefined;
  });
}

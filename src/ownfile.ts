/** Reads files that nothing but this user can have put there: other users can write to a folder such as /tmp. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Bits of a file's mode by which other users can change it. */
export const othersMayWrite = 0o022;
/** Bits of a file's mode by which other users can read or change it. */
export const othersMayRead = 0o077;

/** Neither follows a link nor waits for the writer of a FIFO. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface OwnFileLimits {
  /** Bits that the file's mode must not have. */
  readonly forbiddenMode: number;
  readonly sizeLimitBytes: number;
}

/**
 * Returns the text of a regular file of our own.
 * @throws Error that says what the file is instead; the file system's error where it cannot be opened.
 */
export async function readOwnFile(file: string, { forbiddenMode, sizeLimitBytes }: OwnFileLimits): Promise<string> {
  await using handle = await open(file, flags);
  const stats = await handle.stat();
  const { uid, mode, size } = stats;
  if (!stats.isFile()) throw new Error(`${file} is no regular file`);
  // Windows has neither users by number nor modes.
  const self = process.geteuid?.();
  if (self !== undefined && (uid !== self || (mode & forbiddenMode) !== 0)) {
    throw new Error(`${file} could be changed or read by other users`);
  }
  if (size > sizeLimitBytes) throw new Error(`${file} has ${size} bytes, more than ${sizeLimitBytes}`);
  return await handle.readFile('utf8');
}

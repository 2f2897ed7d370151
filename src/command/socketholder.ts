/** Finds the process that listens at a name in Linux' abstract namespace, as far as /proc shows it. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises';

export interface SocketHolder {
  /** As in the PID namespace of this process. */
  readonly pid: number;
  readonly uid: number;
}

/** `__SO_ACCEPTCON`: the socket listens. */
const listeningFlag = 0x1_00_00;

/**
 * Returns undefined for a process of another PID namespace, such as another container's, or of another user.
 * @param name without the null character at its beginning.
 */
export async function findSocketHolder(name: string): Promise<SocketHolder | undefined> {
  try {
    const inode = listeningInode(await readFile('/proc/net/unix', 'utf8'), name);
    if (inode === undefined) return undefined;
    for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
      if (await hasSocket(pid, inode)) return { pid: Number(pid), uid: (await stat(`/proc/${pid}`)).uid };
    }
  } catch {
    // A process that has ended meanwhile, or a /proc that is not readable.
  }
  return undefined;
}

/** Reads a line such as `000000: 00000002 00000000 00010000 0001 01 8250929 @name`. */
function listeningInode(table: string, name: string): string | undefined {
  for (const line of table.split('\n')) {
    const [, , , flags = '', , , inode] = line.split(/\s+/);
    if (line.endsWith(` @${name}`) && (Number.parseInt(flags, 16) & listeningFlag) !== 0) return inode;
  }
  return undefined;
}

async function hasSocket(pid: string, inode: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  // Of a process that has ended, or of another user.
  const descriptors = await readdir(folder).catch(() => []);
  for (const descriptor of descriptors) {
    if ((await readlink(`${folder}/${descriptor}`).catch(() => '')) === `socket:[${inode}]`) return true;
  }
  return false;
}

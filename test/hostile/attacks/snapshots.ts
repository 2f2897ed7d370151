/** Files that another user of the machine, or a broken disk, has put where the snapshot is read. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeSnapshot } from '../../../src/storage/snapshot.ts';
import type { Attack, AttackContext } from '../attack.ts';

const target = 'command/snapshotfile.ts';

/** Lines with a right checksum. */
function sealed(...lines: readonly unknown[]): string {
  const [header = ''] = writeSnapshot([], { wallMs: Date.now() - 1_000, monotonicMs: 0 });
  const body = `${header}${lines.map((line) => `${JSON.stringify(line)}\n`).join('')}`;
  return `${body}${JSON.stringify({ sha256: createHash('sha256').update(body).digest('hex') })}\n`;
}

const files: Readonly<Record<string, (file: string) => void>> = {
  'a FIFO without a writer': (file) => void execFileSync('mkfifo', [file]),
  'a link to another file': (file) => {
    writeFileSync(`${file}.other`, sealed());
    symlinkSync(`${file}.other`, file);
  },
  'a link to a device without an end': (file) => symlinkSync('/dev/zero', file),
  'a file of 4 GiB': (file) => {
    writeFileSync(file, '');
    truncateSync(file, 4 * 1024 ** 3);
  },
  'a sealed line that is null': (file) => writeFileSync(file, sealed(null), { mode: 0o600 }),
  'a sealed node whose pods are a number': (file) => {
    const node = { node: 'node-0', source: 'cadvisor', hasSwap: false, lastUsage: { reason: 'stale' } };
    writeFileSync(file, sealed({ ...node, spacingMs: 1, storedAgeMs: 1, pods: 7 }), { mode: 0o600 });
  },
};

/** Programs that start at a time. */
const atATime = 2;

async function start(context: AttackContext, name: string): Promise<void> {
  const file = path.join(mkdtempSync(path.join(context.folder, 'snapshot-')), 'snapshot');
  files[name]?.(file);
  await using program = await context.startAnother([`--snapshot-path=${file}`]).catch((error: unknown) => {
    throw new Error(`with ${name} as its snapshot the program does not start: ${String(error)}`);
  });
  if (!program.log().includes('snapshot')) throw new Error(`nothing is logged of ${name}`);
}

export const attacks: readonly Attack[] = [
  {
    name: `the program starts with a snapshot that is ${Object.keys(files).join(', ')}`,
    target,

    async run(context) {
      const names = Object.keys(files);
      for (let at = 0; at < names.length; at += atATime) {
        await Promise.all(names.slice(at, at + atATime).map((name) => start(context, name)));
      }
    },
  },
];

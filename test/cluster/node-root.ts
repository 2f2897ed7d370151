/** Two root file systems made of the machine's own files, in place of the images that the Dockerfile would pull. */
import { chmod, copyFile, cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from './command.ts';
import { findCommand, UnmetNeed } from './needs.ts';

/** Where distroless keeps Node, and so where the product's entry looks for it. */
const nodePath = 'nodejs/bin/node';
/** Where every distribution's tools look for the CAs to trust. */
export const trustPath = '/etc/ssl/certs/ca-certificates.crt';

/** In place of distroless: Node that runs this, its libraries, CAs and a user; no shell. */
export async function fillRuntimeRoot(root: string, trust: string): Promise<void> {
  for (const folder of ['etc/ssl/certs', 'home/nonroot', 'tmp']) {
    await mkdir(path.join(root, folder), { recursive: true });
  }
  await chmod(path.join(root, 'tmp'), 0o1777);
  await addFile(process.execPath, path.join(root, nodePath));
  for (const library of await librariesOf(process.execPath)) await addFile(library, path.join(root, library));
  await writeFile(path.join(root, trustPath), trust);
  await writeFile(
    path.join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n',
  );
  await writeFile(path.join(root, 'etc/group'), 'root:x:0:\nnonroot:x:65532:\n');
}

/** In place of Docker's node image: the same with a shell, the usual commands and npm. */
export async function fillBuildRoot(root: string, trust: string, npmFolder: string): Promise<void> {
  const busybox = findCommand('busybox');
  if (busybox === undefined) throw new UnmetNeed('needs: busybox (apt-get install busybox-static)');
  await fillRuntimeRoot(root, trust);
  for (const folder of ['bin', 'root', 'sbin', 'usr/bin', 'usr/lib/node_modules', 'usr/sbin']) {
    await mkdir(path.join(root, folder), { recursive: true });
  }
  await addFile(busybox, path.join(root, 'bin/busybox'));
  // Each command at its usual place: scripts of packages start with #!/usr/bin/env.
  await run('chroot', [root, '/bin/busybox', '--install', '-s']).catch((error: unknown) => {
    throw new UnmetNeed('needs: a busybox without shared libraries (apt-get install busybox-static)', { cause: error });
  });
  await symlink(`/${nodePath}`, path.join(root, 'usr/bin/node'));
  await cp(npmFolder, path.join(root, 'usr/lib/node_modules/npm'), { recursive: true });
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', path.join(root, 'usr/bin/npm'));
}

/** Copies a file, what a link points to, with its mode. */
async function addFile(from: string, to: string): Promise<void> {
  await mkdir(path.dirname(to), { recursive: true });
  await copyFile(from, to);
}

/** Paths of the shared libraries and the loader; `ldd` prints them as `name => /path (address)` or `/path (address)`. */
async function librariesOf(binary: string): Promise<string[]> {
  const listing = await run('ldd', [binary]);
  return [...listing.matchAll(/(?:^\s*|=> )(\/\S+)/gm)].map((match) => match[1] ?? '').filter((file) => file !== '');
}

/** The two images that every cluster here has, made of the machine's static busybox: one for loads, one for sandboxes. */
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from './command.ts';
import { importImage } from './image.ts';
import { findCommand, UnmetNeed } from './needs.ts';
import type { ClusterRecord, Settings } from './settings.ts';

/** Needs a containerd that answers. */
export async function importBaseImages(settings: Settings, record: ClusterRecord): Promise<void> {
  const rootfs = await mkdtemp(path.join(settings.runFolder, 'rootfs-'));
  try {
    await fillRootfs(rootfs);
    await importImage(settings, record, {
      rootfs,
      name: settings.images.busybox,
      config: { entrypoint: ['/bin/sh'] },
    });
    // A sandbox's process only has to exist: containerd ends it with SIGKILL, so it needs no signal handler, and it
    // would have to collect orphans only for pods with shareProcessNamespace. So no compiled pause program is needed.
    await importImage(settings, record, {
      rootfs,
      name: settings.images.pause,
      config: { entrypoint: ['/bin/sleep', 'infinity'], user: '65535:65535' },
    });
  } finally {
    await rm(rootfs, { recursive: true });
  }
}

async function fillRootfs(rootfs: string): Promise<void> {
  await chmod(rootfs, 0o755);
  for (const folder of ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp', 'var']) {
    await mkdir(path.join(rootfs, folder));
  }
  await chmod(path.join(rootfs, 'tmp'), 0o1777);
  await writeFile(path.join(rootfs, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n');
  await writeFile(path.join(rootfs, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
  await copyFile(findCommand('busybox') ?? '/bin/busybox', path.join(rootfs, 'bin/busybox'));
  const applets = await run('chroot', [rootfs, '/bin/busybox', '--list']).catch((error: unknown) => {
    throw new UnmetNeed('needs: a busybox without shared libraries (apt-get install busybox-static)', { cause: error });
  });
  for (const applet of applets.split('\n').filter((name) => name !== '' && name !== 'busybox')) {
    await symlink('busybox', path.join(rootfs, 'bin', applet));
  }
}

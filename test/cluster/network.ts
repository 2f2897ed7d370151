/** The cluster's network namespace: a bridge with the node's address, and nothing that leads out of it. */
import { closeSync, openSync } from 'node:fs';
import { run, runInNamespace } from './command.ts';
import type { Settings } from './settings.ts';

/**
 * Binds the namespace to a file in the run folder instead of /run/netns: `down` finds it like any other mount there.
 * Pods get a bridge of their own from the CNI plugin; node and pods reach each other because both bridges are here.
 */
export async function makeNetwork(settings: Settings): Promise<void> {
  closeSync(openSync(settings.networkNamespace, 'w'));
  await run('unshare', [`--net=${settings.networkNamespace}`, 'true']);
  const ip = (line: string) => runInNamespace(settings, 'ip', line.split(' '));
  await ip('link set lo up');
  await ip('link add br0 type bridge');
  await ip(`addr add ${settings.nodeIp}/24 dev br0`);
  // A bridge has carrier only with something plugged in.
  await ip('link add plug0 type veth peer name plug1');
  await ip('link set plug0 master br0 up');
  await ip('link set plug1 up');
  await ip('link set br0 up');
  // The components look for the interface with the default route; nothing answers at its gateway.
  await ip('route add default via 10.77.0.1 dev br0');
}

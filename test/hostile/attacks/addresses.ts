/** A kubelet that writes addresses into its Node's status. */
import { setTimeout as sleep } from 'node:timers/promises';
import { node } from '../../fakes/kubeobjects.ts';
import type { Attack, AttackContext } from '../attack.ts';

const name = 'hostile-addresses';
const count = 20_000;
const kinds: Readonly<Record<string, (index: number) => string>> = {
  'that no host can have': (index) => `no host ${index}`,
  'where nothing listens': (index) => `127.1.${index >> 8}.${index & 255}`,
};

async function manyAddresses({ apiServer, askAsAdmin, signal }: AttackContext, of: (index: number) => string) {
  const addresses = Array.from({ length: count }, (_, index) => ({ type: 'InternalIP', address: of(index) }));
  apiServer.objects.set(node(name, { kubeletPort: 1, addresses }));
  try {
    for (;;) {
      signal.throwIfAborted();
      const { text } = await askAsAdmin(`/status?node=${name}`);
      const [status] = (JSON.parse(text) as { nodes: readonly { error?: unknown }[] }).nodes;
      if (status?.error !== undefined) return `a report of ${text.length} bytes`;
      await sleep(50);
    }
  } finally {
    apiServer.objects.delete('Node', name);
  }
}

export const attacks: readonly Attack[] = Object.entries(kinds).map(([what, of]) => ({
  name: `a node has ${count} addresses ${what}`,
  target: 'cluster/address.ts',
  run: (context) => manyAddresses(context, of),
}));

/** Looks at the certificates of kubelets, without credentials. */
import { isIP } from 'node:net';
import { field, text } from '../../client/json.ts';
import { mapLimited } from '../../client/limited.ts';
import { kubeletCandidates } from '../../cluster/address.ts';
import type { Look } from '../certificates.ts';
import { type CheckContext, readable } from '../check.ts';
import type { Surroundings } from './kubeletevidence.ts';
import type { NodeFacts } from './nodefacts.ts';

/** Looks that find out whether kubelets can be reached from here. */
const firstLooks = 3;
/** Handshakes at a time. */
const lookConcurrency = 8;

export interface KubeletLooks {
  readonly looks: ReadonlyMap<string, Look>;
  /** Why kubelets cannot be reached from here; undefined if at least one can. */
  readonly unreachable: string | undefined;
}

/** Looks at certificates without credentials. A laptop mostly reaches no kubelet: a few tries show that. */
export async function lookAtKubelets(
  context: CheckContext,
  nodes: readonly NodeFacts[],
  { flags }: Surroundings,
): Promise<KubeletLooks> {
  const looks = new Map<string, Look>();
  const ca = await readClusterCa(context);
  const look = async (node: NodeFacts): Promise<void> => {
    const addresses = kubeletCandidates(node, flags);
    const at = addresses.kind === 'none' ? undefined : addresses.candidates.find(({ host }) => isIP(host) !== 0);
    if (at === undefined) return;
    const target = { address: at.host, port: at.port, servername: at.host, ...(ca === undefined ? {} : { ca }) };
    looks.set(node.name, await context.certificates.look(target));
  };
  await mapLimited(nodes.slice(0, firstLooks), lookConcurrency, context.signal, look);
  const first = [...looks.values()];
  const answers = first.filter((each) => each.kind === 'shown' || isAlert(each.reason));
  if (context.place === 'outside' && first.length > 0 && answers.length === 0) {
    const [reason] = first.flatMap((each) => (each.kind === 'unreachable' ? each.reason : []));
    return { looks: new Map(), unreachable: reason };
  }
  await mapLimited(nodes.slice(firstLooks), lookConcurrency, context.signal, look);
  return { looks, unreachable: undefined };
}

/** Reports whether a server answered, and ended the handshake. */
function isAlert(reason: string): boolean {
  return /alert|closed the connection/.test(reason);
}

/** Returns the CA that pods get, by which the server verifies kubelets; else that of our connection. */
async function readClusterCa({ api, server }: CheckContext): Promise<string | undefined> {
  const map = await readable(api.get('/api/v1/namespaces/kube-system/configmaps/kube-root-ca.crt'), undefined);
  return text(field(field(map, 'data'), 'ca.crt')) ?? server.tls().ca;
}

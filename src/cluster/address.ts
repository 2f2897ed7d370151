/** Selects the addresses of a node's kubelet, best first. */
import { foreignText } from '../foreigntext.ts';
import type { NodeInfo } from './nodes.ts';

export interface KubeletAddress {
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

export type AddressCandidates =
  | { readonly kind: 'candidates'; readonly candidates: readonly [KubeletAddress, ...KubeletAddress[]] }
  | { readonly kind: 'none'; readonly reason: string; readonly remedy: string };

export interface AddressRules {
  /** --kubelet-preferred-address-types; other types are not tried. */
  readonly preferredTypes: readonly string[];
  /** --kubelet-use-node-status-port: it takes precedence. */
  readonly useNodeStatusPort: boolean;
  readonly defaultPort: number;
}

/** A kubelet may write 20,000 into its Node's status. They share the time of a scrape. */
const addressLimit = 8;

/** DNS' limit in characters; addresses are shorter. */
const hostLimit = 253;

/** Of types that an error names. */
const typeLimit = 8;

/** Returns a node's addresses. metrics-server uses only the first: the first of the first type that has any. */
export function kubeletCandidates(node: NodeInfo, rules: AddressRules): AddressCandidates {
  const port = (rules.useNodeStatusPort ? node.kubeletPort : undefined) ?? rules.defaultPort;
  const hosts = new Set(rules.preferredTypes.flatMap((type) => addressesOf(node, type)));
  const [first, ...others] = [...hosts].slice(0, addressLimit).map((host) => ({ host, port }));
  if (first === undefined) return { kind: 'none', ...whyNone(node, rules.preferredTypes) };
  return { kind: 'candidates', candidates: [first, ...others] };
}

function addressesOf(node: NodeInfo, type: string): readonly string[] {
  return node.addresses
    .filter((each) => each.type === type && each.address.length <= hostLimit)
    .map(({ address }) => address);
}

function whyNone(
  node: NodeInfo,
  preferredTypes: readonly string[],
): { readonly reason: string; readonly remedy: string } {
  const wanted = preferredTypes.join(', ');
  if (node.addresses.length === 0) {
    return {
      reason: `node ${node.name} has no address in its status yet; wanted: ${wanted}`,
      remedy: 'its kubelet or the cloud controller manager has to set .status.addresses',
    };
  }
  const types = [...new Set(node.addresses.map(({ type }) => type))];
  const named = types.slice(0, typeLimit).map((type) => foreignText(type));
  const present = `${named.join(', ')}${types.length > typeLimit ? ` and ${types.length - typeLimit} more` : ''}`;
  return {
    reason: `node ${node.name} has no address of type ${wanted}, only ${present}`,
    remedy: 'add one of these to --kubelet-preferred-address-types',
  };
}

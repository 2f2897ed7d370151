/** Builds what pins keys of kubelets, by the flags. */
import type { ApiServer } from '../client/apiserver.ts';
import type { RestClient } from '../client/rest.ts';
import type { Clock } from '../clock.ts';
import type { NodeLister } from '../cluster/nodes.ts';
import { removeDepartedNodes } from '../kubelet/pins/departednodes.ts';
import { KubeletPins } from '../kubelet/pins/kubeletpins.ts';
import type { CheckPin } from '../kubelet/pins/proof.ts';
import type { Logger } from '../logging.ts';
import type { Options } from '../options/flags.ts';
import { kubeletTlsMode } from '../options/validate.ts';
import type { KubeletIdentity } from './kubeletidentity.ts';

export interface Pinning {
  /** Undefined without --kubelet-tls=pin. */
  readonly checkPin: CheckPin | undefined;
  /** For /status: why pins do not outlive this process. */
  note(): string | undefined;
  run(signal: AbortSignal): Promise<void>;
}

export type PinnedNodes = Pick<NodeLister, 'get' | 'list' | 'synced'>;

export interface PinningOptions {
  readonly options: Options;
  readonly apiServer: ApiServer;
  readonly rest: RestClient;
  readonly identity: Pick<KubeletIdentity, 'isSeparate'>;
  readonly nodes: PinnedNodes;
  readonly clock: Clock;
  readonly log: Logger;
}

export function createPinning({ options, apiServer, rest, identity, nodes, clock, log }: PinningOptions): Pinning {
  if (kubeletTlsMode(options) !== 'pin') return noPinning;
  const pins = new KubeletPins({
    rest,
    namespace: apiServer.namespace,
    mayWrite: () => identity.isSeparate(),
    uidOf: (node) => nodes.get(node)?.uid,
    nodes: () => nodes.list(),
    clock,
    log,
  });
  const departed = { pins, nodes, rest, clock, log };
  return {
    checkPin: (node, proof, isOpen) => pins.check(node, proof, isOpen),
    note: () => pins.note(),
    run: (signal) => removeDepartedNodes(departed, signal),
  };
}

export const noPinning: Pinning = {
  checkPin: undefined,
  note: () => undefined,
  run: () => Promise.resolve(),
};

/** Reaches a node's kubelet under the best of its addresses that answers, and remembers which one that was. */
import type { KubeletAddress } from '../../cluster/address.ts';
import type { KubeletClient, KubeletResponse } from '../../kubelet/client.ts';
import type { KubeletRequest } from '../../kubelet/request.ts';
import { explainFailure } from '../../kubelet/explain/explainfailure.ts';
import { KubeletError, NoAddressAnswersError } from '../../kubelet/explain/kubeleterror.ts';

/** A node's addresses, best first. */
export type KubeletAddressList = readonly [KubeletAddress, ...KubeletAddress[]];

type Request = Omit<KubeletRequest, 'host' | 'port' | 'alternatives'>;

export interface AddressFallback {
  /** @throws KubeletError that tells of every address when none answers. */
  fetch(at: KubeletAddressList, request: Request, signal: AbortSignal): Promise<KubeletResponse>;
}

export function createAddressFallback(kubelet: KubeletClient): AddressFallback {
  /** Host and port; a node's addresses may change. */
  let good: string | undefined;

  return { fetch };

  function fetch(at: KubeletAddressList, request: Request, signal: AbortSignal): Promise<KubeletResponse> {
    const [{ host, port }, ...others] = at;
    if (others.length > 0) return fetchOfAny(at, request, signal);
    return kubelet.fetch({ ...request, host, port, alternatives: 0 }, signal);
  }

  async function fetchOfAny(at: KubeletAddressList, request: Request, signal: AbortSignal): Promise<KubeletResponse> {
    const order = at.toSorted((a, b) => Number(keyOf(b) === good) - Number(keyOf(a) === good));
    const failures: KubeletError[] = [];
    for (const candidate of order) {
      try {
        const answer = await kubelet.fetch({ ...request, ...candidate, alternatives: order.length - 1 }, signal);
        good = keyOf(candidate);
        return answer;
      } catch (error) {
        if (!(error instanceof KubeletError) || signal.aborted || isTheKubelets(error)) throw error;
        failures.push(error);
      }
    }
    const [first, ...others] = failures;
    if (first === undefined) throw new Error('a node without an address is not scraped');
    throw others.length === 0 ? first : new NoAddressAnswersError([first, ...others]);
  }
}

/** Whoever takes the connection and then says nothing, or too much, is the kubelet: another way to it will not help. */
function isTheKubelets(error: KubeletError): boolean {
  const { code } = explainFailure(error);
  return code === 'Timeout' || code === 'BodyTooLarge';
}

function keyOf({ host, port }: KubeletAddress): string {
  return `${host} ${port}`;
}

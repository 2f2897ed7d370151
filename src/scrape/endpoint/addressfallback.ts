/** Sends a request to a node's addresses in turn, beginning with the one that answered last. */
import type { KubeletAddress } from '../../cluster/address.ts';
import type { KubeletClient, KubeletResponse } from '../../kubelet/client.ts';
import type { KubeletRequest } from '../../kubelet/request.ts';
import { explainFailure } from '../../kubelet/explain/explainfailure.ts';
import { CredentialsError, KubeletError, NoAddressAnswersError } from '../../kubelet/explain/kubeleterror.ts';

/** Best first. */
export type KubeletAddressList = readonly [KubeletAddress, ...KubeletAddress[]];

type AddresslessRequest = Omit<KubeletRequest, 'host' | 'port' | 'alternatives'>;

export interface AddressFallback {
  /** @throws KubeletError with the failure of every address if none answers. */
  fetch(at: KubeletAddressList, request: AddresslessRequest, signal: AbortSignal): Promise<KubeletResponse>;
}

export function createAddressFallback(kubelet: KubeletClient): AddressFallback {
  /** A key, since a node's addresses may change. */
  let lastGood: string | undefined;

  return { fetch };

  function fetch(at: KubeletAddressList, request: AddresslessRequest, signal: AbortSignal): Promise<KubeletResponse> {
    const [{ host, port }, ...others] = at;
    if (others.length > 0) return fetchOfAny(at, request, signal);
    return kubelet.fetch({ ...request, host, port, alternatives: 0 }, signal);
  }

  async function fetchOfAny(
    at: KubeletAddressList,
    request: AddresslessRequest,
    signal: AbortSignal,
  ): Promise<KubeletResponse> {
    const order = at.toSorted((a, b) => Number(keyOf(b) === lastGood) - Number(keyOf(a) === lastGood));
    const failures: KubeletError[] = [];
    for (const address of order) {
      try {
        const response = await kubelet.fetch({ ...request, ...address, alternatives: order.length - 1 }, signal);
        lastGood = keyOf(address);
        return response;
      } catch (error) {
        if (!(error instanceof KubeletError) || signal.aborted || isFinal(error)) throw error;
        failures.push(error);
      }
    }
    const [first, ...others] = failures;
    if (first === undefined) throw new Error('a node without an address is not scraped');
    throw others.length === 0 ? first : new NoAddressAnswersError([first, ...others]);
  }
}

/** Reports whether another address would not help: the kubelet failed after accepting the connection, or nothing was sent. */
function isFinal(error: KubeletError): boolean {
  if (error instanceof CredentialsError) return true;
  const { code } = explainFailure(error);
  return code === 'Timeout' || code === 'BodyTooLarge';
}

function keyOf({ host, port }: KubeletAddress): string {
  return `${host} ${port}`;
}

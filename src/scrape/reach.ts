/** Reaches a node's kubelet under the best of its addresses that answers, and remembers which one that was. */
import type { Candidate } from '../cluster/address.ts';
import {
  BodyTooLargeError,
  type KubeletClient,
  type KubeletRequest,
  type KubeletResponse,
  KubeletError,
  KubeletTimeoutError,
} from '../kubelet/client.ts';
import { describeError } from '../logging.ts';

export interface Reach {
  /** @throws KubeletError that tells of every address when none answers. */
  fetch(
    candidates: readonly [Candidate, ...Candidate[]],
    request: Omit<KubeletRequest, 'host' | 'port' | 'alternatives'>,
    signal: AbortSignal,
  ): Promise<KubeletResponse>;
}

export function createReach(kubelet: KubeletClient): Reach {
  /** host and port; a node's addresses may change. */
  let good: string | undefined;

  return { fetch };

  async function fetch(
    candidates: readonly [Candidate, ...Candidate[]],
    request: Omit<KubeletRequest, 'host' | 'port' | 'alternatives'>,
    signal: AbortSignal,
  ): Promise<KubeletResponse> {
    const order = candidates.toSorted((a, b) => Number(keyOf(b) === good) - Number(keyOf(a) === good));
    const failures: KubeletError[] = [];
    for (const candidate of order) {
      try {
        const answer = await kubelet.fetch({ ...request, ...candidate, alternatives: order.length - 1 }, signal);
        good = keyOf(candidate);
        return answer;
      } catch (error) {
        if (!(error instanceof KubeletError) || isFinal(error) || signal.aborted) throw error;
        failures.push(error);
      }
    }
    if (failures.length === 1 && failures[0] !== undefined) throw failures[0];
    throw new KubeletError(failures.map(describeError).join('; and then '));
  }
}

/** Whoever takes the connection and then says nothing, or too much, is the kubelet: another way to it will not help. */
function isFinal(error: KubeletError): boolean {
  return error instanceof BodyTooLargeError || error instanceof KubeletTimeoutError;
}

function keyOf({ host, port }: Candidate): string {
  return `${host} ${port}`;
}

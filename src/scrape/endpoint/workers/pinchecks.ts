/** Compares keys of a worker's kubelets with their pins, in the main thread: the process has one copy of the pins. */
import type { CheckPin, PinVerdict, Proof } from '../../../kubelet/pins/proof.ts';
import { type ClonedResult, cloneResult, unwrap } from './clonedresult.ts';

/** To the main thread. */
export interface PinRequest {
  readonly kind: 'check-pin';
  readonly id: number;
  readonly node: string;
  readonly proof: Proof;
  readonly isOpen: boolean;
}

/** Sent for every request. */
export interface PinResponse {
  readonly kind: 'pin-checked';
  readonly id: number;
  readonly verdict: ClonedResult<PinVerdict>;
}

export interface PinClient {
  readonly checkPin: CheckPin;
  receive(response: PinResponse): void;
}

/** Creates the worker's side. */
export function createPinClient(send: (request: PinRequest) => void): PinClient {
  const waiting = new Map<number, (verdict: PinResponse['verdict']) => void>();
  let lastId = 0;
  return { checkPin, receive };

  async function checkPin(node: string, proof: Proof, isOpen = false): Promise<PinVerdict> {
    const id = ++lastId;
    const response = Promise.withResolvers<PinResponse['verdict']>();
    waiting.set(id, response.resolve);
    send({ kind: 'check-pin', id, node, proof, isOpen });
    return unwrap(await response.promise);
  }

  function receive({ id, verdict }: PinResponse): void {
    waiting.get(id)?.(verdict);
    waiting.delete(id);
  }
}

/** Answers a worker. Without pins every key is refused: workers ask only if kubelets are pinned. */
export async function answerPinRequest(
  { id, node, proof, isOpen }: PinRequest,
  checkPin: CheckPin | undefined,
  send: (response: PinResponse) => void,
): Promise<void> {
  const refused: PinVerdict = { kind: 'unrecorded', reason: 'kubelets are not pinned' };
  const verdict = await cloneResult(() => checkPin?.(node, proof, isOpen) ?? refused);
  send({ kind: 'pin-checked', id, verdict });
}

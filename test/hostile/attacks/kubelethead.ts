/** Heads of a kubelet's answer that are costly to read. */
import type { Attack } from '../attack.ts';
import { answerWith } from '../hostilekubelet.ts';

const target = 'kubelet/http/http1.ts';

/** Just below the limit of a head, 64 KiB. */
const longHead = 60_000;

/** A kubelet that answers each request with such header lines. */
function head(name: string, lines: string): Attack {
  return {
    name: `a kubelet answers with ${name}`,
    target,
    async run({ addKubelet, signal }) {
      const kubelet = await addKubelet({ onRequest: (socket) => void socket.write(answerWith('', [lines])) });
      await kubelet.asked(2, signal);
    },
  };
}

export const attacks: readonly Attack[] = [
  head('a header of 60,000 spaces that end in a control character', `X:${' '.repeat(longHead)}\u0001`),
  head('a header of 60,000 spaces and tabs that end in a control character', `X: ${' \t'.repeat(longHead / 2)}\u0001`),
  head('a header of spaces between letters', `X:${'a '.repeat(longHead / 2)}\u0001`),
  head('20,000 empty headers', 'X:\r\n'.repeat(longHead / 4).slice(0, -2)),
];

/** Many sound kubelets that answer at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeText, textContentType } from '../../fakes/exposition.ts';
import type { Attack, AttackContext } from '../attack.ts';
import { answerWith } from '../hostilekubelet.ts';

const kubelets = 40;
const pods = 110;
/** Kubelets before 1.37 send families that were not requested. */
const otherFamilies = 8;

/** A response of 0.4 MB. */
function fullResponse(): Buffer {
  const timestampMs = Date.now();
  const rows = Array.from({ length: pods }, (_, pod) => {
    const hex = pod.toString(16);
    const podPath = `/kubepods/burstable/pod${hex.padStart(8, '0')}-99f7-409a-90ec-6fe07ee9cb11`;
    const names = { namespace: 'shop', pod: `web-${pod}` };
    return [
      { id: podPath, ...names },
      { container: 'app', id: `${podPath}/${hex.padStart(64, '0')}`, ...names },
      { container: 'proxy', id: `${podPath}/${hex.padStart(64, 'f')}`, ...names },
    ];
  }).flat();
  const families = [
    'container_cpu_usage_seconds_total',
    'container_memory_working_set_bytes',
    'container_start_time_seconds',
    ...Array.from({ length: otherFamilies }, (_, index) => `container_other_${index}`),
  ].map((name) => ({
    name,
    help: 'help',
    type: 'gauge' as const,
    samples: [{ id: '/' }, ...rows].map((labels) => ({ labels, value: 1e6, timestampMs })),
  }));
  return answerWith(encodeText(families), [`Content-Type: ${textContentType}`]);
}

async function answerAtOnce({ addKubelet, askAsAdmin, signal }: AttackContext): Promise<string> {
  const response = fullResponse();
  const held: (() => void)[] = [];
  let isOpen = false;
  const added = await Promise.all(
    Array.from({ length: kubelets }, () =>
      addKubelet({
        onRequest(socket) {
          const answer = () => void socket.write(response);
          if (isOpen) answer();
          else held.push(answer);
        },
      }),
    ),
  );
  while (held.length < kubelets) await sleep(20, undefined, { signal });
  isOpen = true;
  for (const answer of held) answer();
  for (const { node } of added) {
    for (;;) {
      signal.throwIfAborted();
      const { nodes } = JSON.parse((await askAsAdmin(`/status?node=${node}`)).text) as {
        nodes: readonly { state: string }[];
      };
      if (nodes[0]?.state === 'scraped') break;
      await sleep(50);
    }
  }
  return `${kubelets} responses of ${response.length} bytes`;
}

export const attacks: readonly Attack[] = [
  {
    name: `${kubelets} kubelets answer at once, each with a full body of ${pods} pods`,
    target: 'kubelet/http/readingbudget.ts',
    run: answerAtOnce,
  },
];

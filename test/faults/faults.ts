/** The faults. */
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../cluster/wait.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import type { KubeletFault } from '../fakes/kubeletfaults.ts';
import type { Fault, NodeFault } from './fault.ts';
import { distortions } from './distortions.ts';
import { during, freeze, meetings, once } from './injections.ts';
import { type Lab, readers, serverNames } from './lab.ts';
import type { Looker } from './watcher.ts';

/** One answer of one kubelet is wrong. */
const single = (name: string, fault: KubeletFault): NodeFault => ({
  name,
  ci: true,
  strikes: 'node',
  together: true,
  inject: (node) => once([node], fault),
});

/** Those that strike a node come first; the order is that of the table. */
export const faults: readonly Fault[] = [
  single('one 500', 500),
  single('one truncated body', 'truncated'),
  single('one body of garbage', 'garbage'),
  single('one empty 200', 'empty'),
  single('one body cut inside a number', 'cut-number'),
  single('one connection broken within a body', 'cut'),
  {
    name: 'frozen samples for 30 s',
    ci: true,
    strikes: 'node',
    together: true,
    inject: (node) => freeze(node, 30_000),
  },
  {
    name: 'another certificate by the same CA',
    ci: true,
    strikes: 'node',
    together: true,
    inject: async (node, lab) => {
      const met = meetings([node]);
      node.kubelet.useCertificate(lab.issueKubelet());
      await waitFor('both servers to ask again', met, 20_000, 50);
    },
  },
  {
    name: "a stranger's certificate for 20 s",
    ci: true,
    strikes: 'node',
    together: true,
    inject: async (node, lab) => {
      const stranger = makeAuthority('a stranger').issue({ cn: 'kubelet', ips: ['127.0.0.1'], usages: ['server'] });
      const latest = node.kubelet.requests.at(-1);
      node.kubelet.useCertificate(stranger);
      await sleep(20_000);
      if (node.kubelet.requests.at(-1) !== latest) throw new Error('a server has asked in spite of the certificate');
      node.kubelet.useCertificate(lab.issueKubelet());
    },
  },
  {
    name: 'kubelet restart: 5 s away, 15 s without pods',
    ci: true,
    strikes: 'node',
    together: true,
    inject: (node) => node.restartKubelet(5_000, 15_000),
  },
  {
    name: 'restart of all containers of a node',
    ci: true,
    strikes: 'node',
    together: true,
    inject: (node) => node.restartContainers(),
  },
  ...distortions,
  {
    name: 'no answer for 30 s',
    ci: true,
    strikes: 'node',
    together: false,
    inject: (node) => during(node, 'hang', 30_000),
  },
  {
    name: 'slow drip for 30 s',
    ci: false,
    strikes: 'node',
    together: false,
    inject: (node) => during(node, 'drip', 30_000),
  },
  {
    name: 'one body of 200 MB',
    ci: false,
    strikes: 'node',
    together: false,
    growthMegabytes: 256,
    inject: (node) => once([node], 'huge'),
  },
  {
    name: 'endless bodies for 10 s',
    ci: false,
    strikes: 'node',
    together: false,
    growthMegabytes: 256,
    inject: (node) => during(node, 'endless', 10_500),
  },
  {
    name: 'all nodes answer 500 once',
    ci: true,
    strikes: 'all',
    inject: (lab) => once([...lab.nodes.values()], 500),
  },
  {
    name: 'restart of kube-apiserver',
    ci: true,
    strikes: 'none',
    inject: (lab) => lab.controlPlane.restart(),
  },
  {
    name: "one user's reviews take 12 s, for 30 s; as seen by others",
    ci: true,
    strikes: 'none',
    looker: newReaders(),
    inject: (lab) => slowReviews(lab, /slow-user/, 30_000),
  },
  {
    name: 'all reviews take 12 s, for 20 s; as seen by a user',
    ci: false,
    strikes: 'none',
    // Access without a decision is denied: from the end of the cached one until reviews are quick.
    awaySeconds: 35,
    looker: () => asReader('reader'),
    inject: (lab) => slowReviews(lab, /reader/, 20_000),
  },
  {
    name: 'the same, ours with `--authorization-webhook-stale-allow-duration=1m`',
    ci: false,
    strikes: 'none',
    // One look waits until it is known that there is no answer.
    awaySeconds: 12,
    looker: () => asReader('reader'),
    oursArgs: ['--authorization-webhook-stale-allow-duration=1m'],
    inject: (lab) => slowReviews(lab, /reader/, 20_000),
  },
  {
    name: 'access reviews answer 503 for 1.5 s; as seen by new users',
    ci: true,
    strikes: 'none',
    looker: newReaders(),
    inject: (lab) => failingReviews(lab, 1_500),
  },
  {
    name: 'kubelets accept another token only',
    ci: false,
    strikes: 'all',
    inject: async (lab) => {
      const met = meetings([...lab.nodes.values()]);
      lab.acceptOnly(await lab.rotateToken());
      await waitFor('both servers to ask again', met, 20_000, 50);
    },
  },
  {
    name: 'kill -9 of the server, which is started again at once',
    ci: true,
    strikes: 'none',
    // The start itself; without the memory of a snapshot, also two scrapes of each node.
    awaySeconds: 5,
    inject: async (lab) => void (await Promise.all(serverNames.map((name) => lab.kill(name)))),
  },
];

/** As when kube-apiserver is overloaded, or starts. */
async function failingReviews(lab: Lab, ms: number): Promise<void> {
  lab.reviews.fail();
  await sleep(ms);
  lab.reviews.quick();
  if (lab.reviews.failed.size < 2) throw new Error('no review of a server has failed');
}

/** Another user for each request, without a cached decision. */
function newReaders(): Looker {
  let looks = 0;
  return () => asReader(`reader-${(looks += 1)}`);
}

function asReader(user: string): ReturnType<Looker> {
  return {
    as: 'front-proxy',
    headers: [
      ['X-Remote-User', user],
      ['X-Remote-Group', readers],
    ],
  };
}

/** The user whose reviews are slow asks ten times a second, each time for something else, and does not wait for the answers. */
async function slowReviews(lab: Lab, pattern: RegExp, ms: number): Promise<void> {
  lab.reviews.slow(pattern, 12_000);
  let asked = 0;
  const asking = setInterval(() => {
    asked += 1;
    for (const name of serverNames) {
      const question = { ...asReader('slow-user'), path: `/apis/metrics.k8s.io/v1beta1/namespaces/n-${asked}/pods` };
      // What becomes of it is not looked at.
      lab.client.ask(lab.server(name), question).catch(() => undefined);
    }
  }, 100);
  await sleep(ms);
  clearInterval(asking);
  lab.reviews.quick();
  if (lab.reviews.slowed.size < 2) throw new Error('a server has had no slow review');
}

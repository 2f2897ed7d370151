/** The program's token, repeated by those it was given to. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack, AttackContext } from '../attack.ts';
import { exchange, request } from '../stranger.ts';

const target = 'kubelet/explain/explainfailure.ts';
const nodes = '/apis/metrics.k8s.io/v1beta1/nodes';

/** How a kubelet repeats what it was sent; `said` is the Authorization header's value. */
const answers: Readonly<Record<string, (said: string) => string>> = {
  'the status line': (said) => `HTTP/1.1 500 ${said}\r\nContent-Length: 0\r\n\r\n`,
  'the body of a refusal': (said) =>
    `HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain\r\nContent-Length: ${said.length}\r\n\r\n${said}`,
  'the body of an error': (said) => `HTTP/1.1 500 Error\r\nContent-Length: ${said.length}\r\n\r\n${said}`,
  'a redirect': (said) => `HTTP/1.1 302 Found\r\nLocation: https://x/?${said}\r\nContent-Length: 0\r\n\r\n`,
  'the content type': (said) => `HTTP/1.1 200 OK\r\nContent-Type: ${said}\r\nContent-Length: 1\r\n\r\nx`,
  'a header that is none': (said) => `HTTP/1.1 200 OK\r\n${said}\r\n\r\n`,
  'a body that is no metric': (said) => ok(said),
  'a metric': (said) => ok(`container_cpu_usage_seconds_total{id="${said}"} x\n`),
  'a control sequence': (said) => ok(`\u001b[31m${said}\u0085\n`),
  'its length': (said) => `HTTP/1.1 200 OK\r\nContent-Length: ${said}\r\n\r\n`,
  'something else than HTTP': (said) => `${said}\r\n\r\n`,
};

const ok = (body: string) =>
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

async function kubelets(context: AttackContext): Promise<string> {
  const { addKubelet, askAsAdmin, signal, programToken } = context;
  const added = [];
  for (const answer of Object.values(answers)) {
    // The token with its scheme, and alone.
    for (const part of [/^authorization: (.*)\r$/im, /^authorization: Bearer (.*)\r$/im]) {
      const onRequest = (socket: { write(text: string): void }, head: string) =>
        socket.write(answer(part.exec(head)?.[1] ?? ''));
      added.push(await addKubelet({ onRequest }));
    }
  }
  for (const { node } of added) {
    for (;;) {
      signal.throwIfAborted();
      const { text } = await askAsAdmin(`/status?node=${node}`);
      const { nodes: reports } = JSON.parse(text) as { nodes: readonly { state: string }[] };
      if (reports[0]?.state !== 'waiting') break;
      await sleep(50);
    }
  }
  for (const { requests } of added) {
    if (!requests.some((head) => head.includes(programToken))) throw new Error('a kubelet never had the token');
  }
  await searched(context);
  return `${added.length} kubelets repeated it`;
}

/** TokenReview that repeats a caller's token. */
async function reviews(context: AttackContext): Promise<void> {
  const token = 'callers-own-token-3f9d2a7be1';
  const { token: review } = context.apiServer.reviews;
  context.apiServer.reviews.token = (each) =>
    each.startsWith(token) ? { user: {}, error: `no such token: ${each}` } : review(each);
  const answer = await exchange(context, request(nodes, [`Authorization: Bearer ${token}`]));
  if (answer.includes(token)) throw new Error('the answer repeats the token');
  await searched(context, token);
}

async function searched({ log, askAsAdmin, programToken }: AttackContext, token = programToken): Promise<void> {
  const places: Readonly<Record<string, string>> = {
    'the log': log(),
    '/status': (await askAsAdmin('/status')).text,
    '/metrics': (await askAsAdmin('/metrics')).text,
  };
  for (const [place, text] of Object.entries(places)) {
    const at = text.indexOf(token);
    if (at !== -1) throw new Error(`${place} has the token: ${text.slice(Math.max(0, at - 200), at)}`);
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    if (/[\u0000-\u0008\u000b-\u001f\u0080-\u009f]/.test(text)) throw new Error(`${place} has control characters`);
  }
}

export const attacks: readonly Attack[] = [
  { name: 'kubelets repeat the token that they were sent', target, run: kubelets },
  { name: 'kube-apiserver repeats the token that it was asked about', target: 'auth/tokenreview.ts', run: reviews },
];

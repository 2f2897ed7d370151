/** The program's token, repeated by those it was given to. */
import type { Attack, AttackContext } from '../attack.ts';
import { exchange, request } from '../stranger.ts';

const nodes = '/apis/metrics.k8s.io/v1beta1/nodes';

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

async function searched({ log, askAsAdmin }: AttackContext, token: string): Promise<void> {
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
  { name: 'kube-apiserver repeats the token that it was asked about', target: 'auth/tokenreview.ts', run: reviews },
];

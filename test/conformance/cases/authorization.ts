/** Statements 66 to 76: may they. */
import { type Case, exchange, M, some, type Watch } from '../case.ts';
import { dig, userOfNoRole } from '../objects.ts';
import { normalise } from '../normalise.ts';

const as = (user: string) =>
  ({
    as: 'front-proxy',
    headers: [
      ['X-Remote-User', user],
      ['X-Remote-Group', 'nobodies'],
    ],
  }) as const;

const alice = as('alice-by-name');

/** Compares the reviews that this request causes. Each has a user of its own: what was decided is remembered. */
function reviewed(statement: number, method: string, path: string): Case {
  return {
    statements: [statement],
    name: `review of ${method} ${path}`,
    probe: ({ ask, reviews }) => some(reviews(() => ask({ path, method, ...as(`reviewed ${method} ${path}`) }))),
  };
}

const labelSelector = encodeURIComponent('app=db,tier!=x,foo,!bar,n in (b,a),z>5');
const fieldSelector = encodeURIComponent('metadata.name=db-0,metadata.namespace!=x');

export const authorization: readonly Case[] = [
  {
    statements: [66],
    name: 'system:masters are not reviewed',
    probe: ({ ask, reviews }) => reviews(() => ask({ path: `${M}/nodes/66` })),
    expect: [],
  },
  {
    statements: [67],
    name: 'health is not reviewed',
    probe: ({ ask, reviews }) =>
      reviews(async () => {
        for (const path of ['/healthz', '/livez', '/readyz']) await ask({ path, as: 'anonymous' });
      }),
    expect: [],
  },
  reviewed(68, 'GET', `${M}/nodes`),
  reviewed(68, 'GET', `${M}/namespaces/team-a/pods/db-0`),
  reviewed(68, 'GET', `${M}/nodes?watch=1`),
  reviewed(68, 'HEAD', `${M}/nodes`),
  reviewed(68, 'HEAD', `${M}/nodes/a`),
  reviewed(68, 'DELETE', `${M}/nodes`),
  reviewed(68, 'DELETE', `${M}/nodes/a`),
  reviewed(68, 'POST', `${M}/nodes`),
  reviewed(68, 'PUT', `${M}/nodes/a`),
  reviewed(68, 'PATCH', `${M}/nodes/a`),
  reviewed(68, 'OPTIONS', `${M}/nodes`),
  reviewed(68, 'GET', `${M}/nodes/x/status`),
  reviewed(68, 'GET', `${M}/watch/nodes`),
  reviewed(68, 'GET', '/api/v1/pods'),
  reviewed(68, 'GET', '/api/v1/namespaces/team-a/pods/db-0/log'),
  reviewed(68, 'DELETE', '/api/v1/nodes'),
  reviewed(68, 'GET', '/api/v1'),
  reviewed(69, 'GET', `${M}/namespaces/team-a/pods?labelSelector=${labelSelector}&fieldSelector=${fieldSelector}`),
  reviewed(69, 'GET', `${M}/pods?labelSelector=${encodeURIComponent('a in (')}`),
  reviewed(69, 'GET', `${M}/pods?fieldSelector=metadata.name%3Da%2Fb`),
  reviewed(70, 'GET', `${M}?timeout=32s`),
  reviewed(70, 'GET', '/metrics?x=1'),
  reviewed(70, 'GET', '/openapi/v2'),
  ...[as('remembered'), { as: 'anonymous', token: 'reader' } as const].map(
    (caller): Case => ({
      statements: [71],
      name: `three equal requests make one review: ${caller.as}`,
      probe: ({ ask, reviews }) => timesThree(reviews, () => ask({ path: `${M}/nodes/71`, ...caller })),
    }),
  ),
  {
    statements: [72],
    name: 'reviews are not answered',
    probe: async ({ ask, unauthorising }) => {
      const { body, ...answer } = normalise(await ask({ path: `${M}/nodes?b=<`, ...as('unlucky') }, unauthorising));
      // What comes after is the error of the client's library.
      return { ...answer, start: String(body).split(':').slice(0, 2) };
    },
  },
  exchange(73, `${M}/nodes`, 403, alice),
  exchange(73, `${M}/namespaces/default/pods/web-0`, 403, alice),
  exchange(73, `${M}/nodes/x/status`, 403, alice),
  exchange(73, `${M}/nodes`, 403, { ...alice, method: 'DELETE' }),
  exchange(73, `${M}/nodes`, 403, { ...alice, method: 'OPTIONS' }),
  exchange(73, `${M}/deployments`, 403, alice),
  exchange(73, '/metrics', 403, alice),
  exchange(73, '/%3Cb%3E', 403, alice),
  exchange(73, `${M}/nodes/%3Cb%3E`, 403, alice),
  exchange(74, '/nope', 403, { as: 'anonymous' }),
  exchange(74, `${M}/nodes`, 403, { as: 'anonymous', method: 'POST' }),
  exchange(75, `${M}/nodes`, 403, as(userOfNoRole)),
  {
    statements: [75],
    name: "the authorizer's reason is the end of the message",
    probe: async ({ ask }) => {
      const body: unknown = JSON.parse((await ask({ path: `${M}/nodes`, ...as(userOfNoRole) })).body.toString());
      // From 1.37 on kube-apiserver says which authorizer it was.
      return /at the cluster scope: (?:rbac: )?(.*)$/.exec(String(dig(body, 'message')))?.[1];
    },
    expect: 'RBAC: clusterrole.rbac.authorization.k8s.io "missing" not found',
  },
  exchange(76, `${M}/nodes`, 403, {
    as: 'alice',
    headers: [['Impersonate-User', 'admin']],
    compare: { pick: () => '<message>' },
  }),
  exchange(76, `${M}/nodes`, 403, {
    as: 'alice',
    headers: [['Impersonate-User', 'admin']],
    name: 'impersonation without the right, the message',
    differs: 'impersonation',
  }),
  exchange(76, `${M}/nodes`, 200, {
    headers: [
      ['Impersonate-User', 'admin'],
      ['Impersonate-Group', 'system:masters'],
    ],
    name: 'impersonation by an administrator',
    differs: 'impersonation',
  }),
];

async function timesThree(reviews: Watch['reviews'], ask: () => Promise<unknown>): Promise<unknown> {
  const sent = await reviews(async () => {
    for (let i = 0; i < 3; i += 1) await ask();
  });
  return some(sent.filter(({ kind }) => kind === 'SubjectAccessReview'));
}

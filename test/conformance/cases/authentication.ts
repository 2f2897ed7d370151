/** Statements 39 to 65, but for 62 and 63: who is asking. */
import { once } from 'node:events';
import { connect } from 'node:http2';
import { waitFor } from '../../cluster/wait.ts';
import { type Case, exchange, M, some, type Watch } from '../case.ts';
import { dig, groupOfReaders } from '../objects.ts';

const nodes = `${M}/nodes`;
const bearer = (value: string) => [['Authorization', value]] as const;
const spoofed = [
  ['X-Remote-User', 'admin'],
  ['X-Remote-Group', 'system:masters'],
] as const;

const manyGroupNames = Array.from({ length: 300 }, (_, index) => `group-${index}-`.padEnd(30, 'x'));

/** As the front proxy, for a user. */
const remote = (...lines: readonly (readonly [string, string])[]) => ({ as: 'front-proxy' as const, headers: lines });

export const authentication: readonly Case[] = [
  exchange(39, nodes, 403, { as: 'anonymous' }),
  {
    statements: [40],
    name: 'an anonymous answer over HTTP/2 is followed by GOAWAY',
    probe: async ({ server }) => {
      const session = connect(`https://127.0.0.1:${server.port}`, { rejectUnauthorized: false });
      const goaway = once(session, 'goaway').then(() => 'GOAWAY');
      const quiet = new Promise((resolve) => setTimeout(() => resolve('open'), 10_000));
      session.on('error', () => undefined);
      session.request({ ':path': nodes }).resume().end();
      const seen = await Promise.race([goaway, quiet]);
      session.destroy();
      return seen;
    },
    expect: 'GOAWAY',
  },
  ...[nodes, '/healthz'].map((path) => exchange(41, path, 401, { as: 'anonymous', headers: bearer('Bearer bad') })),
  exchange(41, nodes, 401, { as: 'anonymous', headers: bearer('bEARER bad') }),
  exchange(42, nodes, 403, { as: 'anonymous', headers: bearer('Bearer ') }),
  exchange(42, nodes, 403, { as: 'anonymous', headers: bearer('Basic YTpi') }),
  exchange(43, nodes, 403, { as: 'anonymous', headers: bearer('Bearer  x') }),
  ...[false, true].map((http2) =>
    exchange(41, nodes, 401, {
      as: 'anonymous',
      http2,
      headers: bearer('Bearer bad '),
      name: `a space behind a bad token over HTTP/${http2 ? 2 : 1.1}`,
    }),
  ),
  exchange(44, nodes, 200, { as: 'anonymous', token: 'reader' }),
  exchange(45, nodes, 403, { as: 'anonymous', token: 'stranger' }),
  exchange(46, nodes, 403, { as: 'anonymous', headers: spoofed }),
  exchange(47, nodes, 403, { as: 'alice', headers: spoofed }),
  exchange(48, nodes, 401, { as: 'front-proxy' }),
  exchange(48, nodes, 401, remote(['X-Remote-User', ''])),
  exchange(48, nodes, 200, { as: 'front-proxy', token: 'reader' }),
  exchange(49, nodes, 401, { as: 'front-proxy-not-allowed', headers: spoofed }),
  ...[nodes, '/healthz'].map((path) => exchange(50, path, 401, { as: 'rogue', headers: spoofed })),
  exchange(51, nodes, 200, { as: 'rogue', token: 'reader' }),
  exchange(52, nodes, 403, { as: 'alice', headers: bearer('Bearer bad') }),
  exchange(53, nodes, 403, remote(['X-Remote-User', 'eve'], ['X-Remote-Group', 'x, system:masters'])),
  exchange(
    54,
    nodes,
    200,
    remote(['X-Remote-User', 'eve'], ['X-Remote-Group', 'x'], ['X-Remote-Group', 'system:masters']),
  ),
  exchange(55, nodes, 200, remote(['x-remote-user', 'eve'], ['x-remote-group', 'system:masters'])),
  exchange(56, nodes, 403, remote(['X-Remote-User', 'first'], ['X-Remote-User', 'second'], ['X-Remote-Group', 'g'])),
  exchange(57, nodes, 403, remote(['X-Remote-User', 'jos\u00e9'], ['X-Remote-Group', 'g'])),
  reviewed(57, 'a name in UTF-8', remote(['X-Remote-User', 'jos\u00e9\u00e9'], ['X-Remote-Group', 'g'])),
  exchange(58, nodes, 403, {
    ...remote(['X-Remote-User', 'many'], ...manyGroups()),
    name: '300 groups over HTTP/1.1',
  }),
  exchange(58, nodes, 403, {
    ...remote(['X-Remote-User', 'many-more'], ...manyGroups()),
    name: '300 groups over HTTP/2',
    http2: true,
  }),
  {
    statements: [58],
    name: '300 groups and the one with the right, through kube-apiserver',
    phase: 'changing',
    probe: ({ statusThroughKubeApiserver }) =>
      statusThroughKubeApiserver('of-many-groups', [...manyGroupNames, groupOfReaders], nodes),
    expect: 200,
  },
  reviewed(
    [59, 61],
    'extras, and the group of the authenticated',
    remote(
      ['X-Remote-User', 'extra'],
      ['X-Remote-Group', 'g1'],
      ['X-Remote-Group', 'g2'],
      ['X-Remote-Extra-Acme.com%2fProject', 'p1'],
      ['X-Remote-Extra-Scopes', 'a'],
      ['X-Remote-Extra-Scopes', 'b, c'],
    ),
  ),
  reviewed(60, 'the UID is not read', remote(['X-Remote-User', 'with-uid'], ['X-Remote-Uid', 'U1'])),
  reviewed(61, 'system:anonymous gets no group', remote(['X-Remote-User', 'system:anonymous'])),
  reviewed(
    61,
    'the group of the authenticated is not added twice',
    remote(['X-Remote-User', 'twice'], ['X-Remote-Group', 'system:authenticated'], ['X-Remote-Group', 'z']),
  ),
  ...(['good', 'bad'] as const).map(
    (kind): Case => ({
      statements: [64],
      // What TokenReview calls an error is not remembered, and an unknown token is one.
      name: `a ${kind} token is reviewed ${kind === 'good' ? 'once' : 'each time'} within 10 s`,
      probe: async ({ ask, reviews }) => {
        const caller = kind === 'good' ? { token: 'fresh' as const } : { headers: bearer('Bearer reviewed-once') };
        const statuses: number[] = [];
        const sent = await reviews(async () => {
          for (let i = 0; i < 3; i += 1) statuses.push((await ask({ path: nodes, as: 'anonymous', ...caller })).status);
        });
        return { statuses, tokenReviews: sent.filter((review) => review.kind === 'TokenReview').length };
      },
      expect: {
        statuses: Array.from({ length: 3 }, () => (kind === 'good' ? 200 : 401)),
        tokenReviews: kind === 'good' ? 1 : 3,
      },
      ...(kind === 'bad' && { differs: 'a bad token again' }),
    }),
  ),
  {
    statements: [64],
    name: 'a revoked token is refused once it is not remembered any more',
    phase: 'changing',
    probe: async ({ server, ask, administrate }) => {
      const accounts = '/api/v1/namespaces/users/serviceaccounts';
      const account = `${accounts}/leaver-of-${server.name}`;
      await administrate('POST', accounts, { metadata: { name: `leaver-of-${server.name}` } });
      const token = dig(await administrate('POST', `${account}/token`, { spec: {} }), 'status', 'token');
      const status = async () =>
        (await ask({ path: nodes, as: 'anonymous', headers: bearer(`Bearer ${String(token)}`) })).status;
      const before = await status();
      await administrate('DELETE', account);
      const remembered = await status();
      await waitFor(`${server.name} to refuse the token`, async () => (await status()) === 401, tokenMemoryMs + 20_000);
      return { before, remembered };
    },
    expect: { before: 403, remembered: 403 },
  },
  {
    statements: [65],
    name: 'a certificate makes groups and a credential id',
    probe: async ({ ask, reviews }) => reviews(() => ask({ path: `${M}/nodes/x509`, as: 'alice' })),
  },
];

/** How long both remember a token, and kube-apiserver does. */
const tokenMemoryMs = 10_000;

function manyGroups(): (readonly [string, string])[] {
  return manyGroupNames.map((group) => ['X-Remote-Group', group] as const);
}

/** Compares the reviews that a question of this caller causes. */
function reviewed(
  statements: number | readonly number[],
  name: string,
  caller: Pick<Parameters<Watch['ask']>[0], 'as' | 'headers'>,
): Case {
  return {
    statements: [statements].flat(),
    name: `review: ${name}`,
    probe: ({ ask, reviews }) => some(reviews(() => ask({ path: nodes, ...caller }))),
  };
}

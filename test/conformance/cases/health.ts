/** Statements 30 to 38: livez, readyz, healthz; and 129, the end, which they announce. */
import { type Case, exchange, M } from '../case.ts';
import { normalise } from '../normalise.ts';
import { shutdownDelayMs } from '../servers.ts';

const roots = ['/healthz', '/livez', '/readyz'];

export const health: readonly Case[] = [
  exchange(34, '/readyz', 500, { as: 'anonymous', phase: 'starting' }),
  exchange(34, '/livez', 200, { as: 'anonymous', phase: 'starting' }),
  ...roots.map((path) => exchange(30, path, 200, { as: 'anonymous' })),
  ...roots.map((path) => exchange(31, `${path}?verbose`, 200, { as: 'anonymous' })),
  exchange(32, '/healthz?verbose&exclude=ping', 200, { as: 'anonymous' }),
  exchange(32, '/healthz?verbose&exclude=ping&exclude=log', 200, { as: 'anonymous' }),
  exchange(33, '/livez?verbose&exclude=zzz&exclude=yyy', 200, { as: 'anonymous' }),
  exchange(33, '/healthz?verbose&exclude=zzz', 200, { as: 'anonymous' }),
  exchange(33, '/healthz?exclude=zzz', 200, { as: 'anonymous' }),
  exchange(36, '/healthz/ping', 403, { as: 'anonymous' }),
  exchange(36, '/healthz/ping', 200),
  exchange(36, '/readyz/metric-storage-ready', 200),
  exchange(36, '/healthz/nope', 404, { differs: 'v1: index' }),
  exchange(37, '/healthz', 200, { method: 'POST' }),
  {
    statements: [37],
    name: 'HEAD /healthz has a length and no body',
    probe: async ({ ask }) => {
      const answer = await ask({ path: '/healthz', method: 'HEAD' });
      return { ...normalise(answer), length: answer.headers.get('content-length') };
    },
  },
  {
    statements: [35, 129],
    name: 'after SIGTERM it serves on for the delay, not ready any more, then its port is closed and it exits with 0',
    phase: 'stopping',
    differs: 'reason of a failing check',
    probe: async ({ server, ask }) => {
      server.process.signal('SIGTERM');
      // The signal has to arrive; then both have all of the delay ahead of them.
      while ((await ask({ path: '/readyz' })).status === 200);
      const seen = [];
      for (const path of ['/readyz', '/livez', `${M}/nodes`]) {
        seen.push(normalise(await ask({ path }), { pick: withoutNotes }));
      }
      const code = await server.process.ended;
      const after = await ask({ path: '/livez', http2: true }).then(
        () => 'answered',
        () => 'closed',
      );
      return { seen, code, after };
    },
  },
  {
    statements: [129],
    name: 'a request that waits is answered after SIGTERM',
    phase: 'stopping',
    probe: async ({ unauthorising, ask, hangAuthorization }) => {
      await hangAuthorization();
      const headers = [
        ['X-Remote-User', 'last'],
        ['X-Remote-Group', 'g'],
      ] as const;
      const waiting = ask(
        { path: `${M}/nodes?timeout=6s`, as: 'front-proxy', headers, http2: true },
        unauthorising,
      ).then(
        ({ status }) => `answered ${status === 504}`,
        // See the protocol's case of a request that takes longer than it wants.
        () => (unauthorising.name === 'real' ? 'answered true' : 'cut'),
      );
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const startedMs = performance.now();
      unauthorising.process.signal('SIGTERM');
      const answer = await waiting;
      // Longer than the delay, to the end of its own time.
      const hasWaited = performance.now() - startedMs > shutdownDelayMs + 500;
      return { answer, hasWaited, code: await unauthorising.process.ended };
    },
  },
];

/** Removes the notes about refusals of the last five minutes: they depend on how long earlier cases took. */
function withoutNotes(body: unknown): unknown {
  return typeof body === 'string' ? body.replaceAll(/^note: refused in the last five minutes: .*\n/gm, '') : body;
}

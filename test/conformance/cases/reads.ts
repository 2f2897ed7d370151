/** Statements 77 to 96: what is served. */
import { waitFor } from '../../cluster/wait.ts';
import { type Case, exchange, M } from '../case.ts';
import { dig } from '../objects.ts';
import { normalise } from '../normalise.ts';

const inDefault = `${M}/namespaces/default/pods`;

export const reads: readonly Case[] = [
  exchange(77, `${M}/nodes`, 200),
  exchange(77, `${M}/nodes`, 200, { http2: true }),
  exchange([78, 80, 91], `${M}/nodes/node-a`, 200),
  exchange(91, `${M}/nodes/node-b`, 200),
  exchange(91, `${M}/nodes/node-c`, 200),
  {
    statements: [79],
    name: 'creationTimestamp is now',
    probe: async ({ ask }) => {
      const object: unknown = JSON.parse((await ask({ path: `${M}/nodes/node-a` })).body.toString());
      const ageMs = Date.now() - Date.parse(String(dig(object, 'metadata', 'creationTimestamp')));
      return ageMs > -1_000 && ageMs < 15_000;
    },
    expect: true,
  },
  {
    statements: [81],
    name: 'the window is the interval between two samples of the kubelet',
    probe: async ({ ask }) => {
      const object: unknown = JSON.parse((await ask({ path: `${M}/nodes/node-a` })).body.toString());
      const time = String(dig(object, 'timestamp'));
      return { window: /^[1-5]?[05]s$/.test(String(dig(object, 'window'))), timeIsASample: /[05]Z$/.test(time) };
    },
    expect: { window: true, timeIsASample: true },
  },
  exchange(82, `${M}/pods`, 200, { differs: 'zero is a value: list' }),
  exchange(83, inDefault, 200, { differs: 'zero is a value: list' }),
  exchange(83, `${M}/namespaces/team-a/pods`, 200),
  exchange(83, `${M}/namespaces//pods`, 200, { differs: 'zero is a value: list' }),
  ...['empty', 'no-such', 'Bad_Name'].map((name) => exchange(84, `${M}/namespaces/${name}/pods`, 200)),
  exchange(85, `${inDefault}/web-0`, 200),
  exchange(85, `${inDefault}/web-1`, 200),
  exchange(86, `${M}/nodes/nope`, 404),
  exchange(87, `${M}/nodes/node-dead`, 404, { differs: 'why a node has no usage' }),
  exchange(88, `${inDefault}/nope`, 404),
  exchange(88, `${M}/namespaces/no-such/pods/nope`, 404),
  exchange(89, `${inDefault}/pending-0`, 404),
  exchange(90, `${inDefault}/idle-0`, 404, { differs: 'zero is a value: pod' }),
  exchange(86, `${M}/nodes/Bad_Name`, 404),
  exchange(86, `${M}/nodes/%00`, 404),
  exchange(86, `${M}/nodes/%e2%82%ac`, 404),
  {
    statements: [92],
    name: 'a counter that went back',
    phase: 'changing',
    differs: 'a counter that went back',
    probe: async ({ ask, fixture }) => {
      const turnedMs = fixture.turnBack();
      const list = { path: `${M}/namespaces/back/pods` };
      // A sample, two scrapes and some: then there is no rate between any two samples.
      await waitFor('two scrapes', () => Date.now() - turnedMs > 26_000, 60_000);
      return normalise(await ask(list));
    },
  },
  ...[`${M}/nodes/`, `${M}/nodes/node-a/`, `${M}/namespaces/team-a/pods/`, `${M}/namespaces/team-a/pods/db-0/`].map(
    (path) => exchange(93, path, 200),
  ),
  ...[`${M}/n%6Fdes`, `${M}/nodes/node%2Da`, `${M}/namespaces%2Fteam-a/pods`].map((path) => exchange(94, path, 200)),
  ...[
    `${M}/pods/web-0`,
    `${M}/namespaces/default/nodes`,
    `${M}/deployments`,
    `${M}/nodes/node-a/status`,
    `${M}/watch/nodes`,
    `${M}/namespaces`,
    `${M}/namespaces/default`,
    `${M}//nodes`,
  ].map((path) => exchange(95, path, 404)),
  exchange(95, `/${M}/nodes`, 404, { differs: 'v1: index' }),
  exchange(96, `${inDefault}/${'a'.repeat(253)}`, 404),
  exchange(96, `${inDefault}/${'a'.repeat(300)}`, 404),
];

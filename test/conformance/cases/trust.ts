/** Statements 60, 62 and 63: what the authentication ConfigMap says, changed under the servers. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../cluster/wait.ts';
import { type Case, M, some, type Watch } from '../case.ts';
import { changeTrust, type TrustData, trustData, whileDeleted } from '../configmap.ts';
import { dig } from '../objects.ts';

const nodes = `${M}/nodes`;

/** A front proxy speaks for an administrator. */
const asAdministrator = [
  ['X-Remote-User', 'admin'],
  ['X-Remote-Group', 'system:masters'],
] as const;

/** How soon a change has to count. */
const changeTimeoutMs = 5_000;
/** How long it is looked whether a thing stays as it is; changes arrive within half a second. */
const staysMs = 2_000;

export const trust: readonly Case[] = [
  {
    statements: [62],
    name: 'another allowed name of the front proxy counts within 5 s',
    phase: 'changing',
    probe: allowAnotherName,
    expect: 200,
  },
  {
    statements: [62],
    name: 'a list of names that is no JSON changes nothing',
    phase: 'changing',
    probe: async (watch) => {
      const before = await trustData(watch);
      await allowAnotherName(watch);
      // The CA of clients is in the same ConfigMap: when its change counts, the broken list has been seen too.
      await changeTrust(watch, {
        'requestheader-allowed-names': '["front-proxy-client"',
        'client-ca-file': withCa(before['client-ca-file'], watch),
      });
      const seen = await untilStatus(403, watch, 'new-front-proxy');
      const kept = await statusesWhile(watch, 'front-proxy-not-allowed');
      await changeTrust(watch, before);
      return { seen, kept, restored: await untilStatus(401, watch, 'new-front-proxy') };
    },
    expect: { seen: 403, kept: [200], restored: 401 },
  },
  {
    statements: [62],
    name: 'without the ConfigMap nothing changes',
    phase: 'changing',
    probe: async (watch) => {
      await allowAnotherName(watch);
      const kept = await whileDeleted(watch, () => statusesWhile(watch, 'front-proxy-not-allowed'));
      // What kube-apiserver makes anew has no such name, and that is seen.
      return { kept, again: await untilStatus(401, watch, 'front-proxy-not-allowed') };
    },
    expect: { kept: [200], again: 401 },
  },
  {
    statements: [63],
    name: 'another CA of front proxies counts within 5 s',
    phase: 'changing',
    probe: async (watch) => {
      const { 'requestheader-client-ca-file': before } = await trustData(watch);
      await changeTrust(watch, { 'requestheader-client-ca-file': withCa(before, watch) });
      return untilStatus(200, watch, 'new-front-proxy');
    },
    expect: 200,
  },
  {
    statements: [60],
    name: 'once a header for the UID is named, the UID is in the review',
    phase: 'changing',
    probe: async (watch) => {
      await changeTrust(watch, { 'requestheader-uid-headers': '["X-Remote-Uid"]' });
      const uid = await waitFor('a review with a UID', () => reviewedUid(watch), changeTimeoutMs);
      await changeTrust(watch, { 'requestheader-uid-headers': null });
      return uid;
    },
    expect: 'U1',
  },
];

async function allowAnotherName(watch: Watch): Promise<number> {
  await changeTrust(watch, { 'requestheader-allowed-names': JSON.stringify(['front-proxy-client', 'not-allowed']) });
  return untilStatus(200, watch, 'front-proxy-not-allowed');
}

type Proxy = 'front-proxy-not-allowed' | 'new-front-proxy';

/** A connection of its own each time: what its certificate is worth is decided anew. */
async function statusFor({ ask }: Watch, proxy: Proxy): Promise<number> {
  return (await ask({ path: nodes, as: proxy, headers: asAdministrator, http2: true })).status;
}

/** The wanted status; another one if it does not come in time. */
async function untilStatus(wanted: number, watch: Watch, proxy: Proxy): Promise<number> {
  let status = 0;
  await waitFor(
    `status ${wanted}`,
    async () => (status = await statusFor(watch, proxy)) === wanted,
    changeTimeoutMs,
    100,
  ).catch(() => undefined);
  return status;
}

/** Which statuses are seen for a while. */
async function statusesWhile(watch: Watch, proxy: Proxy): Promise<number[]> {
  const seen = new Set<number>();
  const endMs = performance.now() + staysMs;
  while (performance.now() < endMs) {
    seen.add(await statusFor(watch, proxy));
    await sleep(100);
  }
  return [...seen];
}

/** The UID in the review of a user who has not been asked about. */
async function reviewedUid({ ask, reviews }: Watch): Promise<string | undefined> {
  const headers = [
    ['X-Remote-User', `with-uid-${randomUUID()}`],
    ['X-Remote-Uid', 'U1'],
  ] as const;
  const [review] = await some(reviews(() => ask({ path: nodes, as: 'front-proxy', headers })));
  const uid = dig(review?.spec, 'uid');
  return typeof uid === 'string' && uid !== '' ? uid : undefined;
}

function withCa(bundle: TrustData[string] | undefined, { newFrontProxyCa }: Watch): string {
  if (bundle === undefined) throw new Error('the ConfigMap has no such bundle');
  return bundle.includes(newFrontProxyCa) ? bundle : `${bundle.trimEnd()}\n${newFrontProxyCa}`;
}

/** Tests what is served of a pod while one of its containers is not reported: by the API it has ended, or it runs, or the API does not know the pod. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readSnapshot, writeSnapshot } from '../../../src/storage/snapshot.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createPointStorage } from './pointstorage.ts';

const resolutionMs = 15_000;
const identity = { namespace: 'shop', name: 'web-0', uid: 'uid-1', configHash: undefined, node: undefined };

/** A storage of one node with one pod; `ended` are the containers that have ended by the API, undefined if that does not know the pod. */
function setUp({ fastPath = true } = {}) {
  const clock = createFakeClock();
  const api: { ended: readonly string[] | undefined } = { ended: [] };
  const create = () =>
    createPointStorage({
      clock,
      resolutionMs,
      stalenessMs: 45_000,
      fastPath,
      hasEnded: ({ name, uid }, container) =>
        name === identity.name && uid === identity.uid ? api.ended?.includes(container) : undefined,
    });
  let storage = create();
  return { api, scrape, served, restart };

  async function scrape(...names: readonly string[]): Promise<string> {
    await clock.advance(resolutionMs);
    const sample = { timestampMs: clock.wallMs(), cpuSeconds: clock.monotonicMs() / 10_000, swapBytes: undefined };
    const containers = names.map((name) => ({
      ...sample,
      name,
      containerId: `id of ${name}`,
      startTimeMs: undefined,
      memoryBytes: 1e6,
    }));
    const machine = { ...sample, memoryBytes: 1e9 };
    const pods = containers.length === 0 ? [] : [{ ...identity, containers }];
    storage.store({ node: 'node-a', source: 'cadvisor', hasSwap: undefined, machine, pods });
    return served();
  }

  /** The containers and the number of the pod's newest scrape, or why there is none. */
  function served(): string {
    const usage = storage.podUsage(identity);
    if (usage.kind === 'missing') return usage.reason;
    const ageScrapes = (clock.wallMs() - usage.value.timestampMs) / resolutionMs;
    return `${usage.value.containers.map(({ name }) => name).join(' ')}${ageScrapes === 0 ? '' : ` -${ageScrapes}`}`;
  }

  function restart(): void {
    const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    const { nodes } = readSnapshot([...writeSnapshot(storage.states(), now)].join(''), now, 0);
    storage = create();
    storage.restore(nodes);
  }
}

const both = ['app', 'side'];

for (const fastPath of [true, false]) {
  describe(`a container that is not reported, by the ${fastPath ? 'fast' : 'slow'} path`, () => {
    test('leaves its pod with the first scrape after its end in the API, without a gap', async () => {
      const { api, scrape } = setUp({ fastPath });
      await scrape(...both);
      await scrape(...both);
      api.ended = ['side'];
      assert.equal(await scrape('app'), 'app');
      assert.equal(await scrape('app'), 'app');
    });

    test('leaves its pod with the next scrape if the API reports its end later', async () => {
      const { api, scrape } = setUp({ fastPath });
      await scrape(...both);
      await scrape(...both);
      assert.equal(await scrape('app'), 'app side -1');
      api.ended = ['other', 'side'];
      assert.equal(await scrape('app'), 'app');
    });

    test('stays in its pod as long as a usage is served if it runs by the API', async () => {
      const { scrape } = setUp({ fastPath });
      await scrape(...both);
      await scrape(...both);
      for (const age of [1, 2, 3]) assert.equal(await scrape('app'), `app side -${age}`);
      assert.equal(await scrape('app'), 'app');
    });

    test('is still reported after its end in the API, and stays until it is not', async () => {
      const { api, scrape } = setUp({ fastPath });
      await scrape(...both);
      api.ended = ['side'];
      assert.equal(await scrape(...both), 'app side');
      assert.equal(await scrape('app'), 'app');
    });

    test('leaves its pod also if it was never served, and if others have ended with it', async () => {
      const { api, scrape } = setUp({ fastPath });
      await scrape('app', 'one');
      await scrape('app', 'one');
      await scrape('app', 'one', 'two');
      api.ended = ['one', 'two'];
      assert.equal(await scrape('app'), 'app');
    });

    test('stays while another one first appears, for one scrape or two', async () => {
      for (const away of [1, 2]) {
        const { scrape } = setUp({ fastPath });
        await scrape(...both);
        await scrape(...both);
        for (let age = 1; age <= away; age += 1) assert.equal(await scrape('app', 'new'), `app side -${age}`);
        const answers = [await scrape(...both, 'new'), await scrape(...both, 'new')];
        for (const answer of answers) assert.match(answer, /^app (new )?side/);
        assert.equal(answers[1], 'app new side');
      }
    });

    test('is followed at once by another one if it has ended by the API, and if the API does not know the pod', async () => {
      for (const ended of [['init'], undefined]) {
        const { api, scrape } = setUp({ fastPath });
        api.ended = ended;
        await scrape('init');
        await scrape('init');
        assert.equal(await scrape('app'), 'one-sample');
        assert.equal(await scrape('app'), 'app');
      }
    });

    test('is one of two that are not: the other one, which runs, stays', async () => {
      const { api, scrape } = setUp({ fastPath });
      await scrape('app', 'ended', 'side');
      await scrape('app', 'ended', 'side');
      api.ended = ['ended'];
      const answer = await scrape('app');
      assert.equal(answer, 'app side -1');
      assert.equal(await scrape(...both), 'app side');
    });

    test('leaves its pod after a restart of the server, too', async () => {
      const { api, scrape, served, restart } = setUp({ fastPath });
      await scrape(...both);
      await scrape(...both);
      await scrape('app');
      restart();
      assert.equal(served(), 'app side -1');
      api.ended = ['side'];
      assert.equal(await scrape('app'), 'app');
    });
  });
}

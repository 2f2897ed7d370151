/** Which metrics autoscalers want, as it is watched at a real HTTPS server. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createRestClient, type RestClient } from '../../src/client/rest.ts';
import { systemClock as clock } from '../../src/clock.ts';
import { createAutoscalerMetrics } from '../../src/kubeletsource/autoscalermetrics.ts';
import { metricNamed } from '../../src/kubeletsource/catalogue.ts';
import { createDemand, type Demand } from '../../src/kubeletsource/demand.ts';
import { silentLogger as log } from '../../src/logging.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { autoscaler } from '../fakes/kubeobjects.ts';
import { until } from '../fakes/until.ts';

let fake: FakeApiServer;
let rest: RestClient;
let stop: AbortController;
let running: Promise<void>;
let demand: Demand;

beforeEach(async () => {
  fake = await createFakeApiServer();
  rest = createRestClient(fake.connection);
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await running;
  await rest[Symbol.asyncDispose]();
  await fake.close();
});

function follow(): void {
  const autoscalers = createAutoscalerMetrics({ rest, clock, log, isKnown: (name) => metricNamed(name) !== undefined });
  demand = createDemand({ clock, always: [], onAutoscalers: autoscalers.onChange });
  running = autoscalers.run(stop.signal);
}

const wanted = (): string =>
  demand
    .metrics()
    .map(({ name }) => name)
    .join();

const pods = (name: string) => ({ type: 'Pods', pods: { metric: { name } } });
const object = (name: string) => ({ type: 'Object', object: { metric: { name } } });
const external = (name: string) => ({ type: 'External', external: { metric: { name } } });
const cpu = { type: 'Resource', resource: { name: 'cpu' } };

for (const form of ['protobuf', 'JSON'] as const) {
  describe(`autoscalers, as ${form}`, () => {
    beforeEach(() => {
      fake.faults.jsonOnly = form === 'JSON';
    });

    test('want the metrics of pods and objects that they name, of those that kubelets have', async () => {
      fake.objects.set(
        autoscaler('shop', 'web', [
          pods('sockets'),
          object('threads'),
          external('processes'),
          cpu,
          pods('requests_per_second'),
        ]),
      );
      follow();
      await until('the demand follows', () => wanted() === 'threads,sockets');
    });

    test('want them until the last one that names them is gone', async () => {
      fake.objects.set(autoscaler('shop', 'web', [pods('sockets')]));
      fake.objects.set(autoscaler('shop', 'api', [pods('sockets'), pods('threads')]));
      follow();
      await until('the demand follows', () => wanted() === 'threads,sockets');
      fake.objects.set(autoscaler('shop', 'api', [cpu]));
      await until('the demand follows', () => wanted() === 'sockets');
      fake.objects.delete('HorizontalPodAutoscaler', 'web', 'shop');
      await until('the demand follows', () => wanted() === '');
      assert.deepEqual(demand.columns(), []);
    });
  });
}

/** The HorizontalPodAutoscaler of kube-controller-manager, with the server under test as its only source. */
import assert from 'node:assert/strict';
import { before, describe, type TestContext, test } from 'node:test';
import type { V1HorizontalPodAutoscaler, V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import { type Scaled, scaledDeployment, watchScaling } from './autoscaler.ts';
import { harness } from './harness.ts';
import { makeNamespace } from './namespaces.ts';
import { apply, fieldOf, memoryFolder, podsReady } from './pods.ts';

const { cluster } = harness();

const namespace = 'e2e-autoscaling';
/** Two scrapes, a sample that is a bit older, the controller's 15 s, and a busy machine. */
const upTimeoutMs = 120_000;
/** Beside that, the downscale stabilization of 30 s. */
const downTimeoutMs = 180_000;

async function report(t: TestContext, scaled: Scaled): Promise<string[]> {
  const events = await scaled.events();
  for (const event of events) t.diagnostic(event);
  return events;
}

// Side by side: both wait most of the time.
describe('HorizontalPodAutoscaler', { concurrency: true }, () => {
  before(() => makeNamespace(cluster, namespace));

  test('on CPU, autoscaling/v1: from 1 to 3 under the load of ab, and back to 1 when it ends', async (t) => {
    const name = 'busy';
    const autoscaler: V1HorizontalPodAutoscaler = {
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name, namespace },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        minReplicas: 1,
        maxReplicas: 3,
        targetCPUUtilizationPercentage: 60,
      },
    };
    // One pod under load uses its limit, 400 % of its request: also with two idle ones beside it more than the target.
    const resources = { requests: { cpu: '25m' }, limits: { cpu: '100m' } };
    await apply(cluster, [scaledDeployment(cluster, namespace, name, { script: webServer, ...resources }), autoscaler]);
    await podsReady(cluster, namespace, `app=${name}`);
    const scaled = watchScaling(cluster, namespace, name);
    await scaled.measured();

    const address = await fieldOf(
      cluster,
      namespace,
      'pods',
      `{.items[?(@.metadata.labels.app=="${name}")].status.podIP}`,
    );
    // There is no kube-proxy, so the load goes to the first pod and not to a service.
    const url = `http://${address}:8080/cgi-bin/work`;
    const load = cluster.inNamespace('ab', ['-q', '-r', '-c', '4', '-t', '600', '-n', '10000000', url], {
      stdio: 'ignore',
    });
    try {
      const seconds = await scaled.reached(3, upTimeoutMs);
      t.diagnostic(`3 replicas ${seconds.toFixed(0)} s after the load began`);
      assert.equal(load.exitCode, null, 'ab has ended too early');
    } finally {
      load.kill();
    }
    const seconds = await scaled.reached(1, downTimeoutMs);
    t.diagnostic(`1 replica ${seconds.toFixed(0)} s after the load ended`);
    const events = await report(t, scaled);
    assert.match(events.at(0) ?? '', /New size: \d; reason: cpu resource utilization .* above target/);
    assert.match(events.at(-1) ?? '', /New size: 1; reason: All metrics below target/);
  });

  test('on memory, autoscaling/v2: up while 40 MB lie in a memory folder, and back when they are deleted', async (t) => {
    const name = 'hoarder';
    const autoscaler: V2HorizontalPodAutoscaler = {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name, namespace },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        minReplicas: 1,
        maxReplicas: 3,
        metrics: [
          { type: 'Resource', resource: { name: 'memory', target: { type: 'Utilization', averageUtilization: 30 } } },
        ],
      },
    };
    const requests = { cpu: '10m', memory: '50Mi' };
    await apply(cluster, [scaledDeployment(cluster, namespace, name, { script: hoard, requests }), autoscaler]);
    await podsReady(cluster, namespace, `app=${name}`);
    const scaled = watchScaling(cluster, namespace, name);

    t.diagnostic(`3 replicas ${(await scaled.reached(3, upTimeoutMs)).toFixed(0)} s after the start`);
    const names = await fieldOf(
      cluster,
      namespace,
      'pods',
      `{.items[?(@.metadata.labels.app=="${name}")].metadata.name}`,
    );
    for (const each of names.split(' ')) {
      await cluster.kubectl(['exec', each, `--namespace=${namespace}`, '--', '/bin/sh', '-c', `rm ${hoardFile}`]);
    }
    t.diagnostic(`1 replica ${(await scaled.reached(1, downTimeoutMs)).toFixed(0)} s after that`);
    const events = await report(t, scaled);
    assert.match(events.at(0) ?? '', /New size: \d; reason: memory resource utilization .* above target/);
    assert.match(events.at(-1) ?? '', /New size: 1; reason: All metrics below target/);
  });
});

/** Each request costs some milliseconds of CPU. */
const webServer = `
mkdir -p /www/cgi-bin
cat > /www/cgi-bin/work <<'END'
#!/bin/sh
i=0
while [ $i -lt 5000 ]; do i=$((i+1)); done
printf 'Content-Type: text/plain\\r\\n\\r\\ndone\\n'
END
chmod +x /www/cgi-bin/work
exec httpd -f -p 8080 -h /www`;

const hoardFile = `${memoryFolder}/hoard`;
/** Until the test deletes the file: how long the autoscaler takes depends on the machine. */
const hoard = `
dd if=/dev/zero of=${hoardFile} bs=1M count=40
exec sleep infinity`;

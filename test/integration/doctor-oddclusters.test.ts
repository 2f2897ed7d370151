/** Clusters that are well, but not as most: the doctor raises no alarm. And names that mean something to a shell or to kubectl. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { apiSideChecks } from '../../src/doctor/apiside/checks.ts';
import { examine } from '../../src/doctor/examination.ts';
import type { ReportedFinding } from '../../src/doctor/finding.ts';
import { parseCommandLine } from '../../src/options/parse.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { createInstallation, deployment, namespace } from '../fakes/installation.ts';
import type { KubeObject } from '../fakes/kubeobjects.ts';
import { createNodeWorld } from '../fakes/nodeworld.ts';
import { podName } from './apisidefaults.ts';

const { options } = parseCommandLine([]);

async function withInstallation(
  change: (apiServer: FakeApiServer) => void,
): Promise<readonly Pick<ReportedFinding, 'code' | 'problem'>[]> {
  const apiServer = await createFakeApiServer();
  try {
    await using _ = await createInstallation(apiServer);
    change(apiServer);
    const { findings } = await examine(apiSideChecks, { server: apiServer.connection, options, place: 'pod' });
    return findings.filter(({ code }) => code !== 'served-by').map(({ code, problem }) => ({ code, problem }));
  } finally {
    await apiServer.close();
  }
}

/** Replaces arguments of the server's pod. */
function setArgs({ objects }: FakeApiServer, change: (args: readonly string[]) => readonly string[]): void {
  const pod = objects.get('Pod', podName, namespace) as KubeObject & {
    spec: { containers: { args: readonly string[] }[] };
  };
  const containers = pod.spec.containers.map((each) => ({ ...each, args: change(each.args) }));
  objects.set({ ...pod, spec: { ...pod.spec, containers } });
}

describe('doctor on clusters of another shape', () => {
  test('programs with a similar image, and a server without replicas, are no second installation', async () => {
    const found = await withInstallation(({ objects }) => {
      objects.set(deployment('exporter', 'docker.io/vivareal/metrics-server-exporter:v1.5', 9_100));
      objects.set(deployment('custom', 'example.org/custom-metrics-server:v1', 6_443));
      objects.set(deployment('idle', 'registry.k8s.io/metrics-server/metrics-server:v0.8.1', 10_250, 0));
    });
    assert.deepEqual(found, []);
  });

  test('images of distributions and platforms are', async () => {
    const images = ['rancher/mirrored-metrics-server:v0.8.0', 'k8s.gcr.io/metrics-server-amd64:v0.3.6'];
    const found = await withInstallation(({ objects }) => {
      // With labels that the Service does not select.
      const template = { metadata: { labels: { app: 'other' } } };
      for (const [index, image] of images.entries()) {
        const { spec, ...other } = deployment(`other-${index}`, image, 10_250) as KubeObject & {
          spec: { template: { spec: object } };
        };
        objects.set({ ...other, spec: { ...spec, template: { ...spec.template, ...template } } });
      }
    });
    assert.deepEqual(
      found.map(({ code }) => code),
      images.map(() => 'second-installation'),
    );
  });

  test('rights are looked for under the names that the flags give', async () => {
    const found = await withInstallation((apiServer) => {
      const { objects } = apiServer;
      setArgs(apiServer, (args) => [
        ...args.filter((arg) => !arg.startsWith('--kubelet-service-account')),
        '--kubelet-service-account=scrapers',
        '--service-name=metrics',
      ]);
      for (const [role, resourceName] of [
        ['kubegauge-kubelet-tokens', 'scrapers'],
        ['kubegauge-service', 'metrics'],
      ] as const) {
        const object = objects.get('Role', role, namespace) as KubeObject & {
          rules: readonly { readonly resourceNames?: readonly string[] }[];
        };
        objects.set({
          ...object,
          rules: object.rules.map((rule) =>
            rule.resourceNames === undefined ? rule : { ...rule, resourceNames: [resourceName] },
          ),
        });
      }
      const binding = objects.get('ClusterRoleBinding', 'system:kubegauge-kubelets');
      const subjects = [{ kind: 'ServiceAccount', namespace, name: 'scrapers' }];
      objects.set({ ...binding, subjects } as KubeObject);
    });
    assert.deepEqual(found, []);
  });

  test('a server whose certificate is in files needs no right to write caBundle', async () => {
    const found = await withInstallation((apiServer) => {
      setArgs(apiServer, (args) => [...args, '--tls-cert-file=/certificate/tls.crt']);
      apiServer.objects.delete('ClusterRoleBinding', 'system:kubegauge-ca-bundle');
      apiServer.objects.delete('RoleBinding', 'kubegauge-service', namespace);
    });
    assert.deepEqual(found, []);
  });

  test('a user who may not read the version is no reason to give up', async () => {
    const found = await withInstallation((apiServer) => {
      apiServer.faults.answer = ({ path: asked }) => (asked === '/version' ? 403 : undefined);
    });
    assert.deepEqual(found, []);
  });

  test('a kubelet with a certificate of a CA that the server trusts by itself is no error', async () => {
    await using world = await createNodeWorld();
    world.show(makeAuthority("the platform's CA for kubelets"));
    const { findings } = await world.examine();
    assert.deepEqual(
      findings.map(({ code, severity }) => [code, severity]),
      [['kubelet-certificate-untrusted', 'warning']],
    );
  });

  test('a virtual node without metrics is a note, and the remedy leaves it out', async () => {
    await using world = await createNodeWorld();
    world.setNode({ labels: { type: 'virtual-kubelet' } });
    world.serve({ code: 'ConnectionRefused', message: 'nothing listens' });
    const { findings } = await world.examine();
    assert.deepEqual(
      findings.map(({ code, severity }) => [code, severity]),
      [['node-without-kubelet', 'note']],
    );
    await world.run(findings[0]);
    assert.ok(world.args().includes('--node-selector=type!=virtual-kubelet'), world.args().join(' '));
  });
});

describe('remedies with foreign names', () => {
  test('kubernetes lets signing requests have any name: only plain ones are approved', async () => {
    await using world = await createNodeWorld();
    world.show(makeAuthority('another'));
    const finding = await world.find('kubelet-certificate-untrusted');
    const [pipeline = ''] = (finding?.remedy ?? '').split('\n').filter((line) => line.includes('xargs'));
    const names = [
      'csr-abcde',
      'csr-a csr-of-another-signer',
      '--server=example.org',
      'csr-b\nevil',
      "$(id)'",
      'node.csr',
    ];
    const folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
    try {
      // As Go's %q.
      const quoted = names.map((name) => JSON.stringify(name)).join('\n');
      writeFileSync(path.join(folder, 'names'), `${quoted}\n`);
      const script = `#!/bin/sh\ncase "$1" in get) cat '${folder}/names';; *) for word; do echo "[$word]"; done;; esac\n`;
      writeFileSync(path.join(folder, 'kubectl'), script);
      chmodSync(path.join(folder, 'kubectl'), 0o755);
      const env = { PATH: `${folder}:/usr/bin:/bin` };
      const called = execFileSync('/bin/sh', ['-c', pipeline], { env, encoding: 'utf8' });
      assert.equal(called, '[certificate]\n[approve]\n[csr-abcde]\n[node.csr]\n');
      assert.match(pipeline, /printf "%q\\n" \.metadata\.name/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

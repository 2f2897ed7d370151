/**
 * Faults between kube-apiserver and the server, each from a public report. `kubegauge doctor` finds each, and its
 * remedy, executed by a shell, ends it.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { apiSideChecks } from '../../src/doctor/apiside/checks.ts';
import { examine } from '../../src/doctor/examination.ts';
import type { ReportedFinding } from '../../src/doctor/finding.ts';
import { parseCommandLine } from '../../src/options/parse.ts';
import { createPodRoot } from '../../src/tls/podroot.ts';
import { keepOffAnnotation, stagedRootsAnnotation } from '../../src/trustpublication/apiserviceview.ts';
import { bundleLimitBytes, longestRootBytes } from '../../src/trustpublication/publishedroots.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { namespace, servedName, servingPod } from '../fakes/installation.ts';
import { runCommands } from '../fakes/kubectl.ts';
import type { KubeObject } from '../fakes/kubeobjects.ts';
import { apiSideFaults, base64, beta, change, type FaultyCluster, podName } from './apisidefaults.ts';
import { createFaultyClusters } from './faultyclusters.ts';
import { endpointFaults } from './endpointfaults.ts';
import { serverPodFaults } from './serverpodfaults.ts';

const { options } = parseCommandLine([]);

async function findings(
  { apiServer }: FaultyCluster,
  place: 'pod' | 'outside' = 'pod',
): Promise<readonly ReportedFinding[]> {
  return (await examine(apiSideChecks, { server: apiServer.connection, options, place })).findings;
}

const { use, release } = createFaultyClusters();
after(release);

const textOf = ({ object, problem, evidence = '', remedy = '' }: ReportedFinding): string =>
  [object, problem, evidence, remedy].join('\n');

describe('doctor on the way from kube-apiserver to the server', () => {
  for (const place of ['pod', 'outside'] as const) {
    test(`finds nothing wrong with an installation that is well, from ${place}`, async () => {
      const found = await findings(await use(), place);
      assert.deepEqual(
        found.map(({ code }) => code),
        ['served-by'],
      );
    });
  }

  const faults = [...apiSideFaults, ...endpointFaults, ...serverPodFaults];
  for (const { name, image, plant, code, severity = 'error', byHand = false, says, place = 'pod' } of faults) {
    test(name, async () => {
      const planted = await use(image);
      plant(planted);
      const found = (await findings(planted, place)).filter((finding) => finding.code === code);
      const [finding] = found;
      assert.ok(finding, `${code} was not found`);
      assert.equal(finding.severity, severity);
      assert.ok(finding.remedy, 'it names a remedy');
      if (says !== undefined) assert.match(found.map(textOf).join('\n'), says);
      if (byHand) return;
      for (const { remedy = '' } of found) await runCommands(planted.apiServer, remedy);
      const left = await findings(planted, place);
      assert.deepEqual(
        left.filter((each) => each.code === code),
        [],
      );
    });
  }
});

describe('doctor and the accounts that the flags of the server name', () => {
  function setIdentity(planted: FaultyCluster, ...flags: readonly string[]): void {
    const [first, ...more] = flags;
    const at = '/spec/containers/0/args';
    const added = more.map((value) => ({ op: 'add', path: `${at}/-`, value }));
    change(planted, 'Pod', podName, [{ op: 'replace', path: `${at}/1`, value: first }, ...added]);
  }

  const missing = async (planted: FaultyCluster) =>
    (await findings(planted)).filter(({ code }) => code === 'right-missing');

  test('with --kubelet-service-account=own, kubelets get the token of the server itself', async () => {
    const planted = await use();
    setIdentity(planted, '--kubelet-service-account=own');
    const found = await missing(planted);
    assert.deepEqual(
      found.map(({ object, problem }) => [object, problem]),
      [['ServiceAccount kube-system/kubegauge', 'it may not get nodes/metrics']],
    );
    for (const { remedy = '' } of found) await runCommands(planted.apiServer, remedy);
    assert.deepEqual(await missing(planted), []);
  });

  test('the account for kubelets and the Service may have other names and namespaces than in manifests/base', async () => {
    const planted = await use();
    setIdentity(planted, '--kubelet-service-account=monitoring/readers', '--service-name=usage');
    const found = await missing(planted);
    assert.deepEqual(
      found.map(({ object, problem }) => [object, problem]),
      [
        ['ServiceAccount kube-system/kubegauge', 'it may not create serviceaccounts/token monitoring/readers'],
        ['ServiceAccount kube-system/kubegauge', 'it may not get services kube-system/usage'],
        ['ServiceAccount monitoring/readers', 'it may not get nodes/metrics'],
      ],
    );
    for (const { remedy = '' } of found) await runCommands(planted.apiServer, remedy);
    assert.deepEqual(await missing(planted), []);
  });
});

describe('doctor and a user who may not read EndpointSlices', () => {
  test('says so once, and looks at the pods nevertheless', async () => {
    const planted = await use();
    planted.apiServer.faults.answer = ({ path }) => (path.endsWith('/endpointslices') ? 403 : undefined);
    planted.installation.show(makeAuthority('another'));
    const found = await findings(planted);
    assert.equal(found.filter(({ code }) => code === 'unchecked').length, 1);
    assert.ok(found.some(({ code }) => code === 'bundle-mismatch'));
  });
});

describe('doctor and an authorizer that cannot decide', () => {
  test('finds no right missing, and says what it could not check', async () => {
    const planted = await use();
    planted.apiServer.reviews.access = () => ({ allowed: false, evaluationError: 'the authorization webhook is away' });
    const found = (await findings(planted)).filter(({ check }) => check === 'rights');
    assert.deepEqual(
      found.map(({ code }) => code),
      ['unchecked'],
    );
    assert.match(found[0]?.problem ?? '', /the authorization webhook is away/);
  });
});

describe('doctor and rights to write of an account whose token goes to kubelets', () => {
  const setAccount = (planted: FaultyCluster, name: string) =>
    change(planted, 'Pod', podName, [{ op: 'replace', path: '/spec/serviceAccountName', value: name }]);
  const setFlag = (planted: FaultyCluster, value: string) =>
    change(planted, 'Pod', podName, [{ op: 'replace', path: '/spec/containers/0/args/1', value }]);

  const cases: readonly (readonly [name: string, account: string, plant: (planted: FaultyCluster) => void])[] = [
    ["metrics-server's, whose pods send it to every kubelet", 'metrics-server', () => undefined],
    ['that --kubelet-service-account names', 'usage', (planted) => setFlag(planted, '--kubelet-service-account=usage')],
    [
      'with which metrics-server runs beside it',
      'usage',
      ({ apiServer, installation: { port } }) => {
        const other = servingPod('other', 'other', 'registry.k8s.io/metrics-server/metrics-server:v0.9.0', port);
        apiServer.objects.set({ ...other, spec: { ...(other['spec'] as object), serviceAccountName: 'usage' } });
      },
    ],
  ];
  for (const [name, account, plant] of cases) {
    test(`are not granted: ${name}`, async () => {
      const planted = await use();
      setAccount(planted, account);
      plant(planted);
      const missing = (await findings(planted)).filter(({ code }) => code === 'right-missing');
      const writing = missing.filter(({ problem }) => /patch apiservices|create serviceaccounts/.test(problem));
      assert.equal(writing.length, 2);
      for (const { object, problem, remedy = '' } of writing) {
        assert.equal(object, `ServiceAccount kube-system/${account}`);
        assert.match(problem, /its token goes to kubelets/);
        assert.match(remedy, /^kubectl apply -k my-cluster/m);
      }
      for (const { remedy = '' } of missing) assert.doesNotMatch(remedy, /"verbs":\["(?!get|list|watch)/);
    });
  }

  test('are granted to another account, by a role of their own', async () => {
    const planted = await use();
    setAccount(planted, 'usage');
    const missing = (await findings(planted)).filter(({ code }) => code === 'right-missing');
    for (const { remedy = '' } of missing) await runCommands(planted.apiServer, remedy);
    assert.deepEqual(
      (await findings(planted)).filter(({ code }) => code === 'right-missing'),
      [],
    );
  });
});

describe('doctor and the account whose token goes to kubelets', () => {
  const withoutFlag = async (account = 'usage') => {
    const planted = await use();
    change(planted, 'Pod', podName, [
      { op: 'replace', path: '/spec/containers/0/args/1', value: '--v=1' },
      { op: 'replace', path: '/spec/serviceAccountName', value: account },
    ]);
    return planted;
  };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/kubegauge-kubelets`;
  const found = async (planted: FaultyCluster, code: string) =>
    (await findings(planted)).filter((finding) => finding.code === code);
  const lacksMetrics = async (planted: FaultyCluster) =>
    (await found(planted, 'right-missing')).filter(({ problem }) => problem.includes('nodes/metrics'));

  test("is that of our manifests where it exists and the flag is not given, else the server's own", async () => {
    const planted = await withoutFlag('kubegauge');
    planted.apiServer.objects.delete('ClusterRole', 'system:kubegauge-kubelets');
    const account = { kind: 'ServiceAccount', metadata: { namespace, name: 'kubegauge-kubelets' } };
    planted.apiServer.documents.set(path, account);
    const [missing] = await lacksMetrics(planted);
    assert.equal(missing?.object, 'ServiceAccount kube-system/kubegauge-kubelets');
    await runCommands(planted.apiServer, missing.remedy ?? '');
    assert.deepEqual(await lacksMetrics(planted), []);
    // It may not be read in the pod; the right to create its tokens shows that it is there.
    planted.apiServer.faults.answer = (request) => (request.path === path ? 403 : undefined);
    assert.deepEqual(await lacksMetrics(planted), []);
    planted.apiServer.faults.answer = () => undefined;
    planted.apiServer.documents.delete(path);
    assert.equal((await lacksMetrics(planted))[0]?.object, 'ServiceAccount kube-system/kubegauge');
    planted.apiServer.documents.set(path, account);
    planted.apiServer.objects.delete('Role', 'kubegauge-kubelet-tokens', namespace);
    assert.equal((await lacksMetrics(planted))[0]?.object, 'ServiceAccount kube-system/kubegauge');
  });

  for (const flag of ['--kubelet-service-account=own', '--v=1']) {
    test(`may not write: the server's own, with ${flag}`, async () => {
      const planted = await withoutFlag('kubegauge');
      change(planted, 'Pod', podName, [{ op: 'replace', path: '/spec/containers/0/args/1', value: flag }]);
      const [finding] = await found(planted, 'kubelet-account-writes');
      assert.deepEqual([finding?.severity, finding?.object], ['error', 'ServiceAccount kube-system/kubegauge']);
      assert.match(finding?.problem ?? '', /patch apiservices v1beta1\.metrics\.k8s\.io/);
      assert.match(finding?.remedy ?? '', /^kubectl apply -k my-cluster/m);
    });
  }

  test('may not write: one that --kubelet-service-account names, with a role too wide', async () => {
    const planted = await use();
    assert.deepEqual(await found(planted, 'kubelet-account-writes'), []);
    const role = planted.apiServer.objects.get('ClusterRole', 'system:kubegauge-kubelets');
    assert.ok(role);
    const rules = [{ apiGroups: [''], resources: ['pods', 'nodes/metrics'], verbs: ['get', 'create'] }];
    planted.apiServer.objects.set({ ...role, rules });
    const [finding] = await found(planted, 'kubelet-account-writes');
    assert.match(finding?.problem ?? '', /it may create pods in kube-system:/);
    assert.match(finding?.remedy ?? '', /grep -F kube-system\/kubegauge-kubelets/);
  });

  test('may not write: no right is granted to an account that a pod behind the Service of another version shows', async () => {
    const planted = await use();
    const { objects } = planted.apiServer;
    const labelsOfOther = { app: 'other' };
    const service = objects.get('Service', 'metrics-server', namespace) as KubeObject & { spec: object };
    const metadata = { namespace, name: 'other', labels: labelsOfOther };
    objects.set({ ...service, metadata, spec: { ...service.spec, selector: labelsOfOther } });
    const pod = servingPod('other-0', 'other', 'kubegauge:0.1.0', planted.installation.port);
    objects.set({ ...pod, metadata: { ...pod.metadata, labels: labelsOfOther } });
    const value = '--kubelet-service-account=own';
    change(planted, 'Pod', 'other-0', [{ op: 'replace', path: '/spec/containers/0/args/1', value }]);
    change(planted, 'APIService', 'v1.metrics.k8s.io', { spec: { service: { name: 'other' } } });
    objects.delete('ClusterRole', 'system:kubegauge-ca-bundle');
    const missing = (await found(planted, 'right-missing')).filter(({ problem }) =>
      problem.includes('patch apiservices'),
    );
    assert.ok(missing.length > 0);
    for (const { problem, remedy = '' } of missing) {
      assert.match(problem, /must not get that: its token goes to kubelets/);
      assert.doesNotMatch(remedy, /auth reconcile/);
    }
  });

  test('may not write: no right is granted to it where the Service of another version may not be read', async () => {
    const planted = await withoutFlag();
    const value = '--kubelet-service-account=usage';
    change(planted, 'Pod', podName, [{ op: 'replace', path: '/spec/containers/0/args/1', value }]);
    change(planted, 'APIService', 'v1.metrics.k8s.io', { spec: { service: { name: 'other' } } });
    for (const forbidden of ['/services/other', '/services/metrics-server']) {
      planted.apiServer.faults.answer = (request) => (request.path.endsWith(forbidden) ? 403 : undefined);
      const all = await findings(planted);
      assert.ok(
        all.some(({ code, check, object }) => code === 'unchecked' && check === 'rights' && object.endsWith(forbidden)),
      );
      const missing = all.filter(({ problem }) => problem.includes('patch apiservices'));
      assert.equal(
        missing.some(({ code }) => code === 'right-missing'),
        forbidden === '/services/other',
      );
      for (const { remedy = '' } of missing) assert.doesNotMatch(remedy, /auth reconcile/);
    }
  });

  test('is not looked at where no token goes to kubelets', async () => {
    const planted = await withoutFlag('kubegauge');
    const value = '--kubelet-connection=proxy';
    change(planted, 'Pod', podName, [{ op: 'replace', path: '/spec/containers/0/args/1', value }]);
    assert.deepEqual(await found(planted, 'kubelet-account-writes'), []);
  });
});

describe('doctor and the rights that flags of the server make needless, or need beside others', () => {
  const rightsWith = async (flag: string, role: string) => {
    const planted = await use();
    planted.apiServer.objects.delete('ClusterRole', role);
    change(planted, 'Pod', podName, [{ op: 'add', path: '/spec/containers/0/args/-', value: flag }]);
    const found = (await findings(planted)).filter(({ code }) => code === 'right-missing');
    for (const { remedy = '' } of found) await runCommands(planted.apiServer, remedy);
    const left = (await findings(planted)).filter(({ code }) => code === 'right-missing');
    return { found: found.map(({ object, problem }) => `${object}: ${problem}`), left };
  };

  test('with --tls-cert-file nothing is written to APIServices', async () => {
    const { found } = await rightsWith('--tls-cert-file=/certificate/tls.crt', 'system:kubegauge-ca-bundle');
    assert.deepEqual(found, []);
  });

  test('with --kubelet-connection=proxy kubelets are read by the account of the server', async () => {
    const { found, left } = await rightsWith('--kubelet-connection=proxy', 'system:kubegauge-kubelets');
    assert.deepEqual(found, [
      'ServiceAccount kube-system/kubegauge: it may not get nodes/proxy (as good as root on the nodes)',
    ]);
    assert.deepEqual(left, []);
  });

  test('with --kubelet-connection=proxy no token goes to kubelets, so the account of the server may write', async () => {
    const planted = await use();
    planted.apiServer.objects.delete('ClusterRole', 'system:kubegauge-ca-bundle');
    const value = '--kubelet-connection=proxy';
    change(planted, 'Pod', podName, [{ op: 'replace', path: '/spec/containers/0/args/1', value }]);
    const missing = async () => (await findings(planted)).filter(({ code }) => code === 'right-missing');
    const found = await missing();
    assert.ok(found.some(({ problem }) => problem.includes('patch apiservices')));
    for (const { remedy = '' } of found) await runCommands(planted.apiServer, remedy);
    assert.deepEqual(await missing(), []);
  });
});

describe("doctor and the roots of kubegauge's pods", () => {
  const owner = { namespace, pod: 'metrics-server-old', uid: '6b4ad0c4-5e19-4e4f-8d1f-0a8d7a1c2b3e' };

  test('reports roots of pods that are gone, and its remedy leaves the others', async () => {
    // Pods of kubegauge remove those of the others.
    const planted = await use('registry.k8s.io/metrics-server/metrics-server:v0.8.1');
    const { installation } = planted;
    const bundle = `${installation.authority.cert}${createPodRoot(owner).pem}`;
    change(planted, 'APIService', beta, { spec: { caBundle: base64(bundle) } });
    const [stale] = (await findings(planted)).filter(({ code }) => code === 'root-stale');
    assert.match(stale?.problem ?? '', /1 roots of pods that are gone: kube-system\/metrics-server-old/);
    await runCommands(planted.apiServer, stale?.remedy ?? '');
    const codes = (await findings(planted)).map(({ code }) => code);
    assert.ok(!codes.includes('root-stale'));
    const object = planted.apiServer.objects.get('APIService', beta) as KubeObject & { spec: { caBundle: string } };
    assert.equal(Buffer.from(object.spec.caBundle, 'base64').toString(), installation.authority.cert);
  });

  test('names the pods that have not staged a root', async () => {
    const planted = await use();
    change(planted, 'APIService', beta, {
      metadata: { annotations: { [stagedRootsAnnotation]: createPodRoot(owner).pem } },
      spec: { caBundle: null, insecureSkipTLSVerify: true },
    });
    const [staged] = (await findings(planted)).filter(({ code }) => code === 'roots-staged');
    assert.match(staged?.problem ?? '', new RegExp(`kube-system/${podName}$`));
  });

  test('reports a bundle and staged roots without room, and its remedy empties both', async () => {
    const planted = await use();
    const full = '#'.repeat(bundleLimitBytes - longestRootBytes + 1);
    change(planted, 'APIService', beta, {
      metadata: { annotations: { [stagedRootsAnnotation]: full } },
      spec: { caBundle: base64(full) },
    });
    const [tooLong] = (await findings(planted)).filter(({ code }) => code === 'bundle-too-long');
    await runCommands(planted.apiServer, tooLong?.remedy ?? '');
    const object = planted.apiServer.objects.get('APIService', beta);
    assert.equal(object?.metadata.annotations?.[stagedRootsAnnotation], undefined);
    assert.equal((object?.['spec'] as { caBundle?: string } | undefined)?.caBundle, undefined);
    assert.ok((await findings(planted)).every(({ code }) => code !== 'bundle-too-long'));
  });

  test('says that an operator keeps kubegauge off, and its remedy ends that', async () => {
    const planted = await use();
    change(planted, 'APIService', beta, { metadata: { annotations: { [keepOffAnnotation]: 'true' } } });
    const [kept] = (await findings(planted)).filter(({ code }) => code === 'bundle-kept-off');
    await runCommands(planted.apiServer, kept?.remedy ?? '');
    assert.deepEqual(
      (await findings(planted)).map(({ code }) => code),
      ['served-by'],
    );
  });

  test('does not accuse a server that only its own machine reaches at that address', async () => {
    const planted = await use();
    planted.installation.show(makeAuthority('another network'));
    const outside = await findings(planted, 'outside');
    assert.deepEqual(
      outside.filter(({ code }) => code !== 'served-by').map(({ code, severity }) => [code, severity]),
      [
        ['unchecked', 'unchecked'],
        ['unchecked', 'unchecked'],
      ],
    );
    assert.ok((await findings(planted, 'pod')).some(({ code }) => code === 'bundle-mismatch'));
    assert.equal(servedName, 'metrics-server.kube-system.svc');
  });
});

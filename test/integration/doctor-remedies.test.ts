/** Remedies of `kubegauge doctor` that would do harm in an installation that is not of the manifests: they have to fit what is there. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { apiSideChecks } from '../../src/doctor/apiside/checks.ts';
import { examine } from '../../src/doctor/examination.ts';
import type { ReportedFinding } from '../../src/doctor/finding.ts';
import { parseCommandLine } from '../../src/options/parse.ts';
import { createPodRoot } from '../../src/tls/podroot.ts';
import { keepOffAnnotation } from '../../src/trustpublication/apiserviceview.ts';
import { bundleLimitBytes } from '../../src/trustpublication/publishedroots.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import {
  apiService,
  condition,
  deployment,
  labels,
  namespace,
  serviceName,
  serviceObjects,
  servingPod,
} from '../fakes/installation.ts';
import { mergePatched, runCommands } from '../fakes/kubectl.ts';
import { authenticationConfigMap, type KubeObject } from '../fakes/kubeobjects.ts';
import { base64, beta, change, type FaultyCluster, podName, withoutPods } from './apisidefaults.ts';
import { createFaultyClusters } from './faultyclusters.ts';

const { options } = parseCommandLine([]);
const metricsServerImage = 'registry.k8s.io/metrics-server/metrics-server:v0.8.1';

const { use, release } = createFaultyClusters();
after(release);

async function found({ apiServer }: FaultyCluster, code: string): Promise<readonly ReportedFinding[]> {
  const { findings } = await examine(apiSideChecks, { server: apiServer.connection, options, place: 'pod' });
  return findings.filter((finding) => finding.code === code);
}

describe('manifests over what is there', () => {
  const chart = { 'app.kubernetes.io/name': 'metrics-server', 'app.kubernetes.io/instance': 'metrics-server' };

  /** As the Helm chart has it: its APIService is not verified either. */
  async function useChart(): Promise<FaultyCluster> {
    const planted = await use(metricsServerImage);
    change(planted, 'APIService', beta, { spec: { caBundle: null, insecureSkipTLSVerify: true } });
    const labels = { 'k8s-app': null, ...chart };
    change(planted, 'Service', 'metrics-server', { spec: { selector: labels } });
    change(planted, 'Pod', podName, { metadata: { labels } });
    const template = { metadata: { labels } };
    change(planted, 'Deployment', 'metrics-server', { spec: { selector: { matchLabels: labels }, template } });
    return planted;
  }

  const isPointer = ({ remedy = '' }: ReportedFinding): void => {
    assert.match(remedy, /^# docs\/migrate\.md /);
    assert.doesNotMatch(remedy, /kubectl (?:apply|annotate)/);
  };

  test('of the Helm chart are steps of a document: its selector is immutable, and a Service of both selects no pod', async () => {
    const planted = await useChart();
    const [finding] = await found(planted, 'tls-not-verified');
    assert.ok(finding);
    isPointer(finding);
  });

  test('are steps where the Deployment selects by an expression, too', async () => {
    const planted = await use(metricsServerImage);
    change(planted, 'APIService', beta, { spec: { caBundle: null, insecureSkipTLSVerify: true } });
    const matchExpressions = [{ key: 'version', operator: 'Exists' }];
    change(planted, 'Deployment', 'metrics-server', { spec: { selector: { matchExpressions } } });
    for (const finding of await found(planted, 'tls-not-verified')) isPointer(finding);
  });

  test('give a Service that lost its selector that of the Deployment of its pods, or none', async () => {
    const planted = await useChart();
    change(planted, 'Service', serviceName, { spec: { selector: null } });
    const [finding] = await found(planted, 'endpoints-outdated');
    assert.equal(finding?.severity, 'warning');
    await runCommands(planted.apiServer, finding.remedy ?? '');
    const service = planted.apiServer.objects.get('Service', serviceName, namespace) as { spec?: { selector: object } };
    assert.deepEqual(service.spec?.selector, chart);
    // Also where only the Deployment is left.
    change(planted, 'Service', serviceName, { spec: { selector: null } });
    withoutPods(planted);
    const [broken] = await found(planted, 'endpoints-outdated');
    assert.equal(broken?.remedy, finding.remedy);
    planted.apiServer.faults.answer = ({ path }) => (path.includes('/deployments') ? 403 : undefined);
    const [unknown] = await found(planted, 'endpoints-outdated');
    assert.match(unknown?.remedy ?? '', /^kubectl get deployments --namespace kube-system [^\n]*$/);
  });

  test("without the right to read the Deployment, its pods' labels decide", async () => {
    const planted = await useChart();
    planted.apiServer.faults.answer = ({ path }) => (path.includes('/deployments/') ? 403 : undefined);
    for (const finding of await found(planted, 'tls-not-verified')) isPointer(finding);
    const release = await use(metricsServerImage);
    change(release, 'APIService', beta, { spec: { caBundle: null, insecureSkipTLSVerify: true } });
    release.apiServer.faults.answer = ({ path }) => (path.includes('/deployments/') ? 403 : undefined);
    assert.match((await found(release, 'tls-not-verified'))[0]?.remedy ?? '', /^kubectl apply -k my-cluster /m);
  });

  test('are steps where the Deployment has another name or namespace: apply would add a second server', async () => {
    for (const other of [{ name: 'usage' }, { namespace: 'monitoring' }]) {
      const planted = await use(metricsServerImage);
      const { apiServer, installation } = planted;
      const service = { namespace, name: serviceName, port: 443, ...other };
      change(planted, 'APIService', beta, { spec: { caBundle: null, insecureSkipTLSVerify: true, service } });
      const metadata = { ...other };
      const [ownService] = serviceObjects(installation.port, podName);
      const owner = 'name' in other ? other.name : 'metrics-server';
      const pod = servingPod(`${owner}-f6f4c8d5b-abcde`, owner, metricsServerImage, installation.port);
      const own = deployment(owner, metricsServerImage, installation.port);
      apiServer.objects.delete('Deployment', 'metrics-server', namespace);
      apiServer.objects.delete('Pod', podName, namespace);
      apiServer.objects.set(mergePatched(ownService, { metadata }) as KubeObject);
      for (const each of [pod, own])
        apiServer.objects.set(mergePatched(each, { metadata: { namespace: service.namespace } }) as KubeObject);
      const [finding] = await found(planted, 'tls-not-verified');
      assert.ok(finding);
      isPointer(finding);
      apiServer.faults.answer = ({ path }) => (path.includes('/deployments/') ? 403 : undefined);
      for (const each of await found(planted, 'tls-not-verified')) isPointer(each);
    }
  });

  test('are no grant to the account of a chart with the image of kubegauge', async () => {
    const planted = await useChart();
    change(planted, 'Pod', podName, [
      { op: 'replace', path: '/spec/containers/0/image', value: 'kubegauge:0.1.0' },
      { op: 'add', path: '/spec/containers/0/args/-', value: '--kubelet-service-account=kubegauge-kubelets' },
    ]);
    const refused = (await found(planted, 'right-missing')).filter(({ problem }) => problem.includes('must not get'));
    assert.notEqual(refused.length, 0);
    for (const finding of refused) isPointer(finding);
  });

  test('of a Service without pods are applied over its selector only if it is that of the manifests', async () => {
    const planted = await useChart();
    planted.apiServer.objects.delete('Deployment', 'metrics-server', 'kube-system');
    planted.apiServer.objects.delete('Pod', podName, 'kube-system');
    const [finding] = await found(planted, 'server-missing');
    assert.ok(finding);
    isPointer(finding);
    change(planted, 'Service', 'metrics-server', {
      spec: {
        selector: { 'app.kubernetes.io/name': null, 'app.kubernetes.io/instance': null, 'k8s-app': 'metrics-server' },
      },
    });
    assert.match((await found(planted, 'server-missing'))[0]?.remedy ?? '', /^kubectl apply -k my-cluster /);
  });
});

describe('CAs of kube-apiserver', () => {
  const dayMs = 24 * 3_600_000;
  const old = { notBefore: new Date(Date.now() - 30 * dayMs), notAfter: new Date(Date.now() + dayMs) };
  const serving = makeAuthority('front-proxy-ca');

  test("an expiring one of clients is the whole cluster's, and no file is removed for it", async () => {
    const planted = await use();
    const clientCa = makeAuthority('kubernetes', old).cert;
    planted.apiServer.objects.set(authenticationConfigMap({ clientCa, requestHeaderCa: serving.cert }));
    const [finding] = await found(planted, 'front-proxy-ca-expires');
    assert.match(finding?.problem ?? '', /a CA of client-ca-file expires/);
    assert.match(finding?.remedy ?? '', /^sudo kubeadm certs check-expiration$/m);
    assert.doesNotMatch(finding?.remedy ?? '', /\brm\b|front-proxy/);
  });

  test('an unreadable one of clients is that of another flag than the front proxy', async () => {
    const planted = await use();
    planted.apiServer.objects.set(authenticationConfigMap({ clientCa: 'none', requestHeaderCa: serving.cert }));
    const [finding] = await found(planted, 'front-proxy-ca-unreadable');
    assert.doesNotMatch(finding?.remedy ?? '', /requestheader/);
  });

  test("the front proxy's is replaced only if its file is the one that expires", async () => {
    const planted = await use();
    const requestHeaderCa = makeAuthority('front-proxy-ca', old).cert;
    planted.apiServer.objects.set(authenticationConfigMap({ clientCa: serving.cert, requestHeaderCa }));
    const [finding] = await found(planted, 'front-proxy-ca-expires');
    const remedy = finding?.remedy ?? '';
    assert.match(remedy, /^if sudo openssl x509 .* && ! sudo openssl x509 .* -checkend 2592000; then\n {2}sudo rm /m);
    // Each way to fail but that of an expiring certificate: no openssl, and a file that cannot be read.
    for (const code of [127, 1])
      await runCommands(planted.apiServer, `sudo() { [ "$1" = openssl ] || exit 9; return ${code}; }\n${remedy}`);
    const expiring = 'sudo() { [ "$1" = openssl ] || exit 9; case "$*" in *-checkend*) return 1; esac; }';
    await assert.rejects(runCommands(planted.apiServer, `${expiring}\n${remedy}`), /the shell ended with 9/);
  });
});

describe('versions by different Services', () => {
  /** Adds kubegauge behind a Service of its own. */
  function addServer(planted: FaultyCluster, name: string, image: string): void {
    const { apiServer, installation } = planted;
    const selector = { app: name };
    const [service] = serviceObjects(installation.port, name);
    const metadata = { namespace, name };
    apiServer.objects.set(
      mergePatched(service, { metadata, spec: { selector: { ...selector, 'k8s-app': null } } }) as KubeObject,
    );
    const pod = servingPod(`${name}-f6f4c8d5b-abcde`, name, image, installation.port);
    apiServer.objects.set(mergePatched(pod, { metadata: { labels: { ...selector, 'k8s-app': null } } }) as KubeObject);
    apiServer.objects.set(apiService('v1', { insecureSkipTLSVerify: true, service: { ...metadata, port: 443 } }));
  }

  const serviceOf = ({ apiServer }: FaultyCluster, name: string): unknown =>
    (apiServer.objects.get('APIService', name) as unknown as { spec: { service: { name: string } } } | undefined)?.spec
      .service.name;

  test('are pointed at kubegauge, which alone has v1', async () => {
    const planted = await use(metricsServerImage);
    addServer(planted, 'kubegauge', 'kubegauge:0.1.0');
    for (const { remedy = '' } of await found(planted, 'versions-differ')) await runCommands(planted.apiServer, remedy);
    assert.deepEqual([serviceOf(planted, beta), serviceOf(planted, 'v1.metrics.k8s.io')], ['kubegauge', 'kubegauge']);
  });

  test('without kubegauge, v1 goes', async () => {
    const planted = await use(metricsServerImage);
    addServer(planted, 'other', 'registry.example/usage:1');
    for (const { remedy = '' } of await found(planted, 'versions-differ')) await runCommands(planted.apiServer, remedy);
    assert.deepEqual([serviceOf(planted, beta), serviceOf(planted, 'v1.metrics.k8s.io')], [serviceName, undefined]);
  });

  test('are left where the pods may not be read', async () => {
    const planted = await use(metricsServerImage);
    addServer(planted, 'kubegauge', 'kubegauge:0.1.0');
    planted.apiServer.faults.answer = ({ path }) => (path.endsWith('/pods') ? 403 : undefined);
    assert.deepEqual(
      (await found(planted, 'versions-differ')).map(({ remedy }) => remedy),
      [undefined],
    );
  });
});

describe('a second installation', () => {
  const customService = { namespace: 'monitoring', name: 'kubegauge', port: 443 };
  const group = 'custom.metrics.k8s.io';

  /** A managed metrics-server stays, and kubegauge serves custom metrics only. */
  async function useCustom(): Promise<FaultyCluster> {
    const planted = await use(metricsServerImage);
    const { apiServer, installation } = planted;
    const metadata = { namespace: customService.namespace };
    const own = deployment('kubegauge', 'kubegauge:0.1.0', installation.port);
    apiServer.objects.set(mergePatched(own, { metadata }) as KubeObject);
    const [service] = serviceObjects(installation.port, 'kubegauge');
    apiServer.objects.set(mergePatched(service, { metadata: customService }) as KubeObject);
    apiServer.objects.set(apiService('v1beta2', { service: customService }, group));
    return planted;
  }

  test('is not a server of custom metrics', async () => {
    const planted = await useCustom();
    assert.deepEqual(await found(planted, 'second-installation'), []);
    planted.apiServer.objects.delete('APIService', `v1beta2.${group}`);
    const [finding] = await found(planted, 'second-installation');
    assert.equal(finding?.object, 'Deployment monitoring/kubegauge');
  });

  test('is not seen where the APIServices of custom metrics may not be read', async () => {
    const planted = await useCustom();
    planted.apiServer.faults.answer = ({ path }) => (path.endsWith(`.${group}`) ? 403 : undefined);
    assert.deepEqual(await found(planted, 'second-installation'), []);
  });

  test('is not a server of custom metrics whose Service is gone', async () => {
    const planted = await useCustom();
    planted.apiServer.objects.delete('Service', customService.name, customService.namespace);
    assert.deepEqual(await found(planted, 'second-installation'), []);
  });

  test('is not one that the Service selects, but whose pods are not there yet', async () => {
    const planted = await use();
    planted.apiServer.objects.set(deployment('metrics-server-new', 'kubegauge:0.2.0', planted.installation.port));
    assert.deepEqual(await found(planted, 'second-installation'), []);
  });

  test('is not an application whose pods have the labels of the Service by mistake: it is not deleted', async () => {
    const planted = await use();
    const { apiServer, installation } = planted;
    apiServer.objects.set(servingPod('shop-f6f4c8d5b-zzzzz', 'shop', 'registry.example/shop:1', installation.port));
    const [finding] = await found(planted, 'two-deployments');
    assert.doesNotMatch(finding?.remedy ?? '', /delete/);
    assert.match(finding?.remedy ?? '', /^kubectl get deployment .* shop --output=yaml$/m);
  });
});

describe('an image that cannot be pulled', () => {
  function replicaSet(revision: string, image: string): KubeObject {
    const name = `metrics-server-${revision}`;
    return {
      kind: 'ReplicaSet',
      apiVersion: 'apps/v1',
      metadata: {
        namespace,
        name,
        annotations: { 'deployment.kubernetes.io/revision': revision },
        ownerReferences: [{ kind: 'Deployment', apiVersion: 'apps/v1', name: 'metrics-server', controller: true }],
      },
      spec: { template: { metadata: { labels }, spec: { containers: [{ name: 'metrics-server', image }] } } },
    };
  }

  async function remedyAfter(...images: readonly string[]): Promise<string> {
    const planted = await use();
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image' };
    const conditions = [condition('Ready', 'False', 'ContainersNotReady', '')];
    const containerStatuses = [{ name: 'metrics-server', state: { waiting } }];
    change(planted, 'Pod', podName, { status: { conditions, containerStatuses } });
    for (const [index, image] of images.entries()) planted.apiServer.objects.set(replicaSet(String(9 + index), image));
    return (await found(planted, 'pods-not-ready'))[0]?.remedy ?? '';
  }

  test('is undone to an earlier image of kubegauge', async () => {
    const remedy = await remedyAfter('metrics-server:v0.8.1', 'kubegauge:0.1.0', 'kubegauge:0.1.1');
    assert.equal(remedy, 'kubectl rollout undo --namespace kube-system deployment/metrics-server');
  });

  test('is not undone to metrics-server, whose certificate is not accepted and which has no v1', async () => {
    const remedy = await remedyAfter(metricsServerImage, 'kubegauge:0.1.0');
    assert.match(
      remedy,
      /^# before it ran .*metrics-server:v0\.8\.1; .* docs\/upgrade-and-go-back\.md .*\nkubectl describe pod /,
    );
  });

  test('is not undone without an earlier revision', async () => {
    assert.match(await remedyAfter('kubegauge:0.1.0'), /^kubectl describe pod /);
  });
});

describe('caBundle', () => {
  const gone = { namespace, pod: 'metrics-server-old', uid: '6b4ad0c4-5e19-4e4f-8d1f-0a8d7a1c2b3e' };
  const newer = { ...gone, pod: 'metrics-server-new', uid: '0a8d7a1c-5e19-4e4f-8d1f-6b4ad0c42b3e' };
  const bundleOf = ({ apiServer }: FaultyCluster): string => {
    const { spec } = apiServer.objects.get('APIService', beta) as unknown as { spec: { caBundle: string } };
    return Buffer.from(spec.caBundle, 'base64').toString();
  };

  test('with stale roots is not replaced once a new pod has added its root', async () => {
    const planted = await use(metricsServerImage);
    const { installation, apiServer } = planted;
    const before = `${installation.authority.cert}${createPodRoot(gone).pem}`;
    change(planted, 'APIService', beta, { spec: { caBundle: base64(before) } });
    const [stale] = await found(planted, 'root-stale');
    const after = `${before}${createPodRoot(newer).pem}`;
    change(planted, 'APIService', beta, { spec: { caBundle: base64(after) } });
    await assert.rejects(runCommands(apiServer, stale?.remedy ?? ''), /testing value \/spec\/caBundle failed/);
    assert.equal(bundleOf(planted), after);
  });

  test('with stale roots is left to the pods that remove them, unless an annotation keeps them off', async () => {
    const planted = await use();
    const bundle = `${planted.installation.authority.cert}${createPodRoot(gone).pem}`;
    change(planted, 'APIService', beta, { spec: { caBundle: base64(bundle) } });
    const [stale] = await found(planted, 'root-stale');
    assert.deepEqual([stale?.severity, stale?.remedy], ['note', undefined]);
    change(planted, 'APIService', beta, { metadata: { annotations: { [keepOffAnnotation]: '' } } });
    const [kept] = await found(planted, 'root-stale');
    assert.equal(kept?.severity, 'warning');
    await runCommands(planted.apiServer, kept.remedy ?? '');
    assert.equal(bundleOf(planted), planted.installation.authority.cert);
  });

  test('with nothing but stale roots goes, and verification with it', async () => {
    const planted = await use(metricsServerImage);
    change(planted, 'APIService', beta, { spec: { caBundle: base64(createPodRoot(gone).pem) } });
    const [stale] = await found(planted, 'root-stale');
    await runCommands(planted.apiServer, stale?.remedy ?? '');
    const { spec } = planted.apiServer.objects.get('APIService', beta) as unknown as { spec: object };
    assert.deepEqual(Object.keys(spec).includes('caBundle'), false);
    assert.equal('insecureSkipTLSVerify' in spec && spec.insecureSkipTLSVerify, true);
  });

  test("keeps cert-manager's annotation: one patch sets its CA and verifies", async () => {
    const planted = await use();
    const annotations = { 'cert-manager.io/inject-ca-from': 'kube-system/metrics-server' };
    change(planted, 'APIService', beta, {
      metadata: { annotations },
      spec: { caBundle: null, insecureSkipTLSVerify: true },
    });
    const [without] = await found(planted, 'tls-not-verified');
    assert.match(without?.remedy ?? '', /^# .* manifests\/components\/cert-manager .*\nkubectl get apiservice /);
    change(planted, 'Pod', podName, [
      { op: 'add', path: '/spec/containers/0/args/-', value: '--tls-cert-file=/certificate/tls.crt' },
    ]);
    const [finding] = await found(planted, 'tls-not-verified');
    const commands = [
      'real=$(command -v kubectl)',
      `kubectl() { case "$*" in *certificates*) echo issued ;; *'secret issued '*'{.data.ca\\.crt}') echo Y2E= ;; *) "$real" "$@" ;; esac; }`,
    ];
    await runCommands(planted.apiServer, [...commands, finding?.remedy ?? ''].join('\n'));
    const object = planted.apiServer.objects.get('APIService', beta) as unknown as { metadata: object; spec: object };
    assert.deepEqual(object.metadata, { ...object.metadata, annotations });
    assert.equal('caBundle' in object.spec && object.spec.caBundle, 'Y2E=');
    assert.ok(!('insecureSkipTLSVerify' in object.spec));
  });

  const inOpenshift = { 'service.beta.openshift.io/inject-cabundle': 'true' };

  test("gets OpenShift's CA of services from the ConfigMap of the namespace", async () => {
    const planted = await use();
    change(planted, 'APIService', beta, {
      metadata: { annotations: inOpenshift },
      spec: { caBundle: null, insecureSkipTLSVerify: true },
    });
    const [without] = await found(planted, 'tls-not-verified');
    assert.match(without?.remedy ?? '', /^# .*certificates of their own.*serving-cert-secret-name.*\nkubectl get /);
    assert.doesNotMatch(without?.remedy ?? '', /cert-manager/);
    change(planted, 'Pod', podName, [
      { op: 'add', path: '/spec/containers/0/args/-', value: '--tls-cert-file=/certificate/tls.crt' },
    ]);
    const [finding] = await found(planted, 'tls-not-verified');
    const commands = [
      'real=$(command -v kubectl)',
      `kubectl() { case "$*" in 'get --namespace kube-system configmap openshift-service-ca.crt '*'{.data.service-ca\\.crt}') printf ca ;; *) "$real" "$@" ;; esac; }`,
    ];
    await runCommands(planted.apiServer, [...commands, finding?.remedy ?? ''].join('\n'));
    assert.equal(bundleOf(planted), 'ca');
  });

  test('of another writer with an unknown CA says so, and blames no certificate', async () => {
    const planted = await use();
    change(planted, 'APIService', beta, {
      metadata: { annotations: { 'cert-manager.io/inject-ca-from': 'nowhere' } },
      spec: { caBundle: null, insecureSkipTLSVerify: true },
    });
    change(planted, 'Pod', podName, [
      { op: 'add', path: '/spec/containers/0/args/-', value: '--tls-cert-file=/certificate/tls.crt' },
    ]);
    const [finding] = await found(planted, 'tls-not-verified');
    assert.match(finding?.remedy ?? '', /^# cert-manager\.io\/inject-ca-from names no CA: nowhere.*\nkubectl get /);
  });

  test('of another writer stays verified when its certificate expires, cannot be read, or leaves no room', async () => {
    const soon = new Date(Date.now() + 24 * 3_600_000);
    const expiring = makeAuthority('expiring', { notAfter: soon }).cert;
    const expired = makeAuthority('expired', {
      notBefore: new Date(Date.now() - 48 * 3_600_000),
      notAfter: new Date(Date.now() - 24 * 3_600_000),
    }).cert;
    for (const [code, bundle] of [
      ['bundle-certificate-expires', expiring],
      ['bundle-certificate-expired', expired],
      ['bundle-unreadable', 'none'],
    ] as const) {
      const planted = await use();
      change(planted, 'APIService', beta, {
        metadata: { annotations: inOpenshift },
        spec: {
          caBundle: base64(
            `${code === 'bundle-certificate-expires' ? planted.installation.authority.cert : ''}${bundle}`,
          ),
        },
      });
      const { remedy = '' } = (await found(planted, code))[0] ?? {};
      assert.match(remedy, /^# OpenShift's service CA operator writes caBundle.*\nca=\$\(kubectl get /);
      assert.doesNotMatch(remedy, /"insecureSkipTLSVerify":true/);
      change(planted, 'APIService', beta, {
        metadata: {
          annotations: {
            ...Object.fromEntries(Object.keys(inOpenshift).map((key) => [key, null])),
            [keepOffAnnotation]: '',
          },
        },
      });
      const kept = (await found(planted, code))[0]?.remedy ?? '';
      assert.match(
        kept,
        /^# an operator writes caBundle.*\nkubectl annotate apiservice \S+ kubegauge\.io\/keep-off-ca-bundle-$/,
      );
    }
    const planted = await use();
    change(planted, 'APIService', beta, {
      metadata: { annotations: inOpenshift },
      spec: { caBundle: base64('#'.repeat(bundleLimitBytes)) },
    });
    assert.deepEqual(await found(planted, 'bundle-too-long'), []);
  });

  for (const [name, group] of [
    ['v1beta2', 'custom.metrics.k8s.io'],
    ['v1beta1', 'external.metrics.k8s.io'],
  ] as const) {
    test(`of ${group} is examined, too`, async () => {
      const planted = await use();
      const set = (spec: object) => planted.apiServer.objects.set(apiService(name, spec, group));
      set({ insecureSkipTLSVerify: true });
      assert.equal((await found(planted, 'tls-not-verified'))[0]?.object, `APIService ${name}.${group}`);
      set({ caBundle: base64(`${planted.installation.authority.cert}${createPodRoot(gone).pem}`) });
      assert.equal((await found(planted, 'root-stale'))[0]?.object, `APIService ${name}.${group}`);
      set({ caBundle: base64(makeAuthority('another').cert) });
      assert.match(
        (await found(planted, 'bundle-mismatch'))[0]?.problem ?? '',
        new RegExp(`caBundle of ${name}\\.${group}`),
      );
      // An adapter's own Service.
      set({ insecureSkipTLSVerify: true, service: { namespace: 'monitoring', name: 'prometheus-adapter', port: 443 } });
      assert.deepEqual(await found(planted, 'tls-not-verified'), []);
    });
  }

  test('is examined where the rights of one component do not show the APIService of another', async () => {
    const planted = await use();
    const group = 'custom.metrics.k8s.io';
    planted.apiServer.objects.set(apiService('v1beta2', { insecureSkipTLSVerify: true }, group));
    planted.apiServer.faults.answer = ({ path }) => (path.endsWith('.external.metrics.k8s.io') ? 403 : undefined);
    assert.equal((await found(planted, 'tls-not-verified'))[0]?.object, `APIService v1beta2.${group}`);
    assert.deepEqual(await found(planted, 'unchecked'), []);
  });
});

test('a webhook that another one has replaced in the list is not changed', async () => {
  const planted = await use();
  const { objects } = planted.apiServer;
  objects.delete('Pod', podName, namespace);
  const message = 'failed calling webhook "mpod.kb.io": no endpoints available for service "webhook"';
  const conditions = [condition('ReplicaFailure', 'True', 'FailedCreate', message)];
  change(planted, 'Deployment', 'metrics-server', { status: { conditions } });
  const set = (...names: readonly string[]) =>
    objects.set({
      kind: 'MutatingWebhookConfiguration',
      apiVersion: 'admissionregistration.k8s.io/v1',
      metadata: { name: 'mutating-webhook' },
      webhooks: names.map((name) => ({ name, namespaceSelector: {} })),
    });
  set('mpod.kb.io', 'other.kb.io');
  const [finding] = await found(planted, 'webhook-fails');
  set('other.kb.io', 'mpod.kb.io');
  await assert.rejects(
    runCommands(planted.apiServer, finding?.remedy ?? ''),
    /testing value \/webhooks\/0\/name failed/,
  );
});

/** Remedies of `kubegauge doctor` where another program owns caBundle: they lead to it, and never switch verification off. */
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
import { deployment, namespace } from '../fakes/installation.ts';
import { mergePatched, runCommands } from '../fakes/kubectl.ts';
import type { KubeObject } from '../fakes/kubeobjects.ts';
import { base64, beta, change, type FaultyCluster, podName, unavailable } from './apisidefaults.ts';
import { createFaultyClusters } from './faultyclusters.ts';

const { options } = parseCommandLine([]);
const dayMs = 24 * 60 * 60_000;
const v1 = 'v1.metrics.k8s.io';
const root = createPodRoot({ namespace, pod: 'metrics-server-old', uid: '6b4ad0c4-5e19-4e4f-8d1f-0a8d7a1c2b3e' });

const { use, release } = createFaultyClusters();
after(release);

async function found({ apiServer }: FaultyCluster, code: string): Promise<ReportedFinding> {
  const { findings } = await examine(apiSideChecks, { server: apiServer.connection, options, place: 'pod' });
  // v1beta1 is the first one.
  return findings.find((finding) => finding.code === code) ?? assert.fail(`${code} in ${JSON.stringify(findings)}`);
}

/** As kube-apiserver records it. */
function managed(manager: string, operation = 'Update', field = 'f:caBundle'): object {
  return { manager, operation, apiVersion: 'apiregistration.k8s.io/v1', fieldsV1: { 'f:spec': { [field]: {} } } };
}

/** Faults of the certificates, each with the code that reports it. */
const faults: Readonly<Record<string, (cluster: FaultyCluster) => void>> = {
  'bundle-mismatch': (cluster) =>
    change(cluster, 'APIService', beta, { spec: { caBundle: base64(makeAuthority('another CA').cert) } }),
  'certificate-expired': ({ installation }) =>
    installation.show(installation.authority, {
      notBefore: new Date(Date.now() - 30 * dayMs),
      notAfter: new Date(Date.now() - dayMs),
    }),
  'certificate-name': ({ installation }) => installation.show(installation.authority, { dns: ['localhost'] }),
  'api-unavailable': (cluster) => unavailable(cluster, 'x509: certificate signed by unknown authority'),
  'bundle-unreadable': (cluster) => change(cluster, 'APIService', beta, { spec: { caBundle: base64('none') } }),
};

interface Owner {
  readonly metadata: object;
  readonly remedy: RegExp;
}

const managers: Readonly<Record<string, Owner>> = {
  Helm: {
    metadata: {
      managedFields: [managed('helm')],
      annotations: { 'meta.helm.sh/release-name': 'usage', 'meta.helm.sh/release-namespace': 'kube-system' },
    },
    remedy:
      /^# the Helm release kube-system\/usage writes caBundle .*\nhelm get values --namespace kube-system usage --all$/,
  },
  'Argo CD': {
    metadata: {
      managedFields: [managed('argocd-controller', 'Apply')],
      annotations: { 'argocd.argoproj.io/tracking-id': 'usage:apiregistration.k8s.io/APIService:kube-system/x' },
    },
    remedy:
      /^# Argo CD's application usage writes caBundle .*\nkubectl get applications\.argoproj\.io --all-namespaces$/,
  },
  "Flux' Kustomization": {
    metadata: {
      managedFields: [managed('kustomize-controller', 'Apply')],
      labels: { 'kustomize.toolkit.fluxcd.io/name': 'usage', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' },
    },
    remedy:
      /^# Flux' Kustomization flux-system\/usage writes caBundle .*\nkubectl get --namespace flux-system kustomizations\.kustomize\.toolkit\.fluxcd\.io usage --output=yaml$/,
  },
  "Flux' HelmRelease": {
    metadata: {
      managedFields: [managed('helm-controller')],
      annotations: { 'meta.helm.sh/release-name': 'usage', 'meta.helm.sh/release-namespace': 'kube-system' },
      labels: { 'helm.toolkit.fluxcd.io/name': 'usage', 'helm.toolkit.fluxcd.io/namespace': 'flux-system' },
    },
    remedy:
      /^# Flux' HelmRelease flux-system\/usage writes caBundle .*\nkubectl get --namespace flux-system helmreleases\.helm\.toolkit\.fluxcd\.io usage --output=yaml$/,
  },
  'kubectl apply': {
    metadata: { managedFields: [managed('kubectl-client-side-apply')] },
    remedy:
      /^# kubectl apply writes caBundle .*\nkubectl get apiservice v1beta1\.metrics\.k8s\.io --output=yaml --show-managed-fields$/,
  },
  'kubectl apply on the server': {
    metadata: { managedFields: [managed('kubectl', 'Apply')] },
    remedy: /^# kubectl apply writes caBundle /,
  },
  'any other program': {
    metadata: { managedFields: [managed('terraform')] },
    remedy: /^# the field manager terraform writes caBundle /,
  },
};

const annotations: Readonly<Record<string, Owner>> = {
  'cert-manager': {
    metadata: { annotations: { 'cert-manager.io/inject-ca-from': 'kube-system/metrics-server' } },
    remedy:
      /^# cert-manager writes caBundle.*\nca=.*\nkubectl describe --namespace kube-system certificates\.cert-manager\.io metrics-server\nkubectl rollout restart --namespace cert-manager deployment\/cert-manager-cainjector(?:\n# where pods have no --tls-cert-file, .*)?$/,
  },
  'cert-manager, from a Secret': {
    metadata: { annotations: { 'cert-manager.io/inject-ca-from-secret': 'kube-system/own-ca' } },
    remedy: /^# cert-manager writes caBundle.*\nca=.*\nkubectl describe --namespace kube-system secrets own-ca\n/,
  },
  OpenShift: {
    metadata: { annotations: { 'service.beta.openshift.io/inject-cabundle': 'true' } },
    remedy:
      /^# OpenShift's service CA operator writes caBundle.*\nca=.*\nkubectl get clusteroperators service-ca(?:\n# where pods have no --tls-cert-file, .*)?$/,
  },
  'an operator': {
    metadata: { annotations: { [keepOffAnnotation]: '' } },
    remedy: /^# an operator writes caBundle.*\nkubectl annotate apiservice \S+ kubegauge\.io\/keep-off-ca-bundle-$/,
  },
};

/** Gives the server its certificate from files, which the owner of caBundle has issued. */
function useFiles(cluster: FaultyCluster): void {
  change(cluster, 'Pod', podName, [
    { op: 'add', path: '/spec/containers/0/args/-', value: '--tls-cert-file=/certificate/tls.crt' },
  ]);
}

describe('where another program owns caBundle, the remedy is at the owner and verification stays on', () => {
  for (const [name, { metadata, remedy }] of Object.entries({ ...annotations, ...managers })) {
    test(name, async () => {
      for (const [code, plant] of Object.entries(faults)) {
        const planted = await use();
        useFiles(planted);
        change(planted, 'APIService', beta, { metadata });
        plant(planted);
        const finding = await found(planted, code);
        assert.match(finding.remedy ?? '', remedy, code);
        assert.doesNotMatch(finding.remedy ?? '', /"insecureSkipTLSVerify":true/, code);
        const maySayMore =
          ['api-unavailable', 'bundle-unreadable'].includes(code) && /cert-manager|OpenShift/.test(name);
        assert.equal(/\n# where pods have no --tls-cert-file/.test(finding.remedy ?? ''), maySayMore, code);
      }
    });
  }

  test('a bundle without room, or with nothing but stale roots', async () => {
    const { metadata, remedy } = managers['any other program'] ?? assert.fail();
    for (const [code, bundle] of [
      ['bundle-too-long', '#'.repeat(bundleLimitBytes)],
      ['root-stale', root.pem],
    ] as const) {
      const planted = await use(
        code === 'root-stale' ? 'registry.k8s.io/metrics-server/metrics-server:v0.8.1' : undefined,
      );
      change(planted, 'APIService', beta, { metadata, spec: { caBundle: base64(bundle) } });
      assert.match((await found(planted, code)).remedy ?? '', remedy, code);
    }
  });

  test('a version that is registered beside it has the same CA and annotation', async () => {
    for (const [gone, kept, code] of [
      [v1, beta, 'v1-not-registered'],
      [beta, v1, 'api-not-registered'],
    ] as const) {
      const planted = await use();
      const { metadata } = annotations['cert-manager'] ?? assert.fail();
      change(planted, 'APIService', kept, { metadata });
      const stored = planted.apiServer.objects.get('APIService', kept) as unknown as { spec: { caBundle: string } };
      planted.apiServer.objects.delete('APIService', gone);
      const { findings } = await examine(apiSideChecks, {
        server: planted.apiServer.connection,
        options,
        place: 'pod',
      });
      await runCommands(planted.apiServer, findings.find((finding) => finding.code === code)?.remedy ?? '');
      const made = planted.apiServer.objects.get('APIService', gone) as unknown as { metadata: object; spec: object };
      assert.partialDeepStrictEqual(made, { metadata, spec: { caBundle: stored.spec.caBundle } });
      assert.ok(!('insecureSkipTLSVerify' in made.spec));
    }
  });

  test('pods with certificates of their own get files of the owner', async () => {
    const planted = await use();
    const { metadata } = annotations['cert-manager'] ?? assert.fail();
    change(planted, 'APIService', beta, { metadata });
    faults['bundle-mismatch']?.(planted);
    const finding = await found(planted, 'bundle-mismatch');
    assert.match(finding.remedy ?? '', /^# the pods show certificates of their own.*\nkubectl get apiservice /);
  });
});

test("cert-manager's CA in place of an older one ends the mismatch", async () => {
  const planted = await use();
  const { apiServer, installation } = planted;
  useFiles(planted);
  const { metadata } = annotations['cert-manager'] ?? assert.fail();
  change(planted, 'APIService', beta, { metadata });
  faults['bundle-mismatch']?.(planted);
  const injector = deployment('cert-manager-cainjector', 'cainjector:v1.19.1', 9402);
  apiServer.objects.set(mergePatched(injector, { metadata: { namespace: 'cert-manager' } }) as KubeObject);
  const finding = await found(planted, 'bundle-mismatch');
  const commands = [
    'real=$(command -v kubectl)',
    `kubectl() { case "$*" in *spec.secretName*) echo issued ;; *'secret issued '*'{.data.ca\\.crt}') echo ${base64(installation.authority.cert)} ;; *) "$real" "$@" ;; esac; }`,
  ];
  await runCommands(apiServer, [...commands, finding.remedy ?? ''].join('\n'));
  const { findings } = await examine(apiSideChecks, { server: apiServer.connection, options, place: 'pod' });
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'error'),
    [],
  );
  const { spec } = apiServer.objects.get('APIService', beta) as unknown as { spec: object };
  assert.ok(!('insecureSkipTLSVerify' in spec));
});

describe('where no other program owns caBundle, kubegauge begins anew', () => {
  for (const [name, managedFields] of Object.entries({
    'after its own writes': [managed('kubegauge')],
    'after a patch by hand': [managed('kubectl-patch'), managed('kubectl-edit')],
    'after a write that was not recorded': [managed('before-first-apply')],
    'where a program owns other fields': [managed('argocd-controller', 'Apply', 'f:service')],
  })) {
    test(name, async () => {
      const planted = await use();
      change(planted, 'APIService', beta, { metadata: { managedFields } });
      faults['bundle-mismatch']?.(planted);
      const finding = await found(planted, 'bundle-mismatch');
      await runCommands(planted.apiServer, finding.remedy ?? '');
      const { spec } = planted.apiServer.objects.get('APIService', beta) as unknown as { spec: object };
      assert.partialDeepStrictEqual(spec, { insecureSkipTLSVerify: true });
    });
  }
});

/** Holds manifests/ to what they promise: metrics-server's names, the fewest rights, arguments that the flag table knows. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type {
  V1APIService,
  V1ClusterRole,
  V1ClusterRoleBinding,
  V1Deployment,
  V1NetworkPolicy,
  V1PodDisruptionBudget,
  V1Role,
  V1Service,
  V1ServiceAccount,
} from '@kubernetes/client-node';
import { parse, parseAllDocuments } from 'yaml';
import { customGroup, customVersions } from '../../src/api/custom/metricvalues.ts';
import { externalGroup, externalVersion } from '../../src/api/external/externalvalues.ts';
import { rulesLimitBytes } from '../../src/command/rulessnapshot.ts';
import { historyLimitBytes, snapshotLimitBytes } from '../../src/command/snapshotfile.ts';
import { defaultPinsNamespace, pinsConfigMapName } from '../../src/kubelet/pins/pinconfigmap.ts';
import { flags } from '../../src/options/flags.ts';
import { defaultKubeletAccount } from '../../src/options/flags/kubelet.ts';
import { parseCommandLine } from '../../src/options/parse.ts';
import { waitingBytesLimit } from '../../src/server/waitinglimits.ts';
import { keepOffAnnotations } from '../../src/trustpublication/apiserviceview.ts';
import { version } from '../../src/version.ts';
import { readMeasured } from '../bench/measured.ts';
import {
  inPod,
  type KubernetesObject,
  outsideEndpoint,
  outsidePod,
  parseObjects,
  toList,
} from '../cluster/registration.ts';

const manifests = path.resolve(import.meta.dirname, '../../manifests');
const files = globSync('**/*.yaml', { cwd: manifests }).sort();
const texts = new Map(files.map((file) => [file, readFileSync(path.join(manifests, file), 'utf8')]));
const objectsBelow = (folder: string) =>
  [...texts]
    .filter(([file]) => file.startsWith(folder) && !isKustomization(file))
    .flatMap(([, text]) => parseObjects(text));
const everything = objectsBelow('base/');

const of = <T>(kind: string): (KubernetesObject & T)[] =>
  everything.filter((object): object is KubernetesObject & T => object.kind === kind);

test('every manifest is YAML without an error or a warning', () => {
  assert.ok(files.length > 0);
  for (const [file, text] of texts) {
    for (const document of parseAllDocuments(text, { version: '1.1' })) {
      assert.deepEqual([...document.errors, ...document.warnings], [], file);
    }
  }
});

test('a kustomization lists every file beside it, and nothing else', () => {
  const kustomizations = files.filter(isKustomization);
  assert.ok(kustomizations.includes('base/kustomization.yaml'));
  for (const file of kustomizations) {
    const { resources = [] }: { resources?: string[] } = parse(texts.get(file) ?? '');
    const beside = files.filter((other) => path.dirname(other) === path.dirname(file) && other !== file);
    assert.deepEqual([...resources].sort(), beside.map((other) => path.basename(other)).sort(), file);
  }
});

test('the objects have the names of metrics-server, so that applying them replaces it, beside those of the identity for kubelets', () => {
  const names = everything.map(({ kind, metadata }) =>
    [kind, metadata.namespace, metadata.name].filter(Boolean).join(' '),
  );
  assert.deepEqual(names.sort(), [
    'APIService v1.metrics.k8s.io',
    'APIService v1beta1.metrics.k8s.io',
    'ClusterRole system:aggregated-metrics-reader',
    'ClusterRole system:kubegauge',
    'ClusterRole system:kubegauge-ca-bundle',
    'ClusterRole system:kubegauge-kubelets',
    'ClusterRoleBinding kubegauge:system:auth-delegator',
    'ClusterRoleBinding system:kubegauge',
    'ClusterRoleBinding system:kubegauge-ca-bundle',
    'ClusterRoleBinding system:kubegauge-kubelets',
    'Deployment kube-system metrics-server',
    'Role kube-system kubegauge-kubelet-tokens',
    'Role kube-system kubegauge-service',
    'RoleBinding kube-system kubegauge-auth-reader',
    'RoleBinding kube-system kubegauge-kubelet-tokens',
    'RoleBinding kube-system kubegauge-service',
    'Service kube-system metrics-server',
    'ServiceAccount kube-system kubegauge',
    'ServiceAccount kube-system kubegauge-kubelets',
  ]);
});

test('both versions are registered without caBundle and insecureSkipTLSVerify, which pods write, and v1 is preferred', () => {
  const specs = of<V1APIService>('APIService').map(({ spec }) => spec);
  const shared = { group: 'metrics.k8s.io', groupPriorityMinimum: 100 };
  const service = { name: 'metrics-server', namespace: 'kube-system', port: 443 };
  assert.deepEqual(specs, [
    { ...shared, version: 'v1beta1', versionPriority: 100, service },
    { ...shared, version: 'v1', versionPriority: 200, service },
  ]);
});

describe('rights', () => {
  const readerRole = 'system:aggregated-metrics-reader';
  const kubeletAccount = 'kubegauge-kubelets';
  const bindings = [...of<V1ClusterRoleBinding>('ClusterRoleBinding'), ...of<V1ClusterRoleBinding>('RoleBinding')];
  /** Kind and name of the roles that are bound to a ServiceAccount in kube-system. */
  const bindingsOf = (name: string) =>
    bindings
      .filter(({ subjects }) =>
        isDeepStrictEqual(subjects, [{ kind: 'ServiceAccount', name, namespace: 'kube-system' }]),
      )
      .map(({ roleRef }) => `${roleRef.kind} ${roleRef.name}`)
      .sort();

  const bundleRole = 'system:kubegauge-ca-bundle';

  test('no rule has a wildcard or a verb that writes, but for two APIServices by name', () => {
    const roles = of<V1ClusterRole>('ClusterRole');
    assert.deepEqual(roles.find(({ metadata }) => metadata.name === bundleRole)?.rules, [
      {
        apiGroups: ['apiregistration.k8s.io'],
        resources: ['apiservices'],
        resourceNames: of<V1APIService>('APIService')
          .map(({ metadata }) => metadata.name)
          .sort(),
        verbs: ['get', 'watch', 'patch'],
      },
    ]);
    for (const { metadata, rules } of roles.filter((role) => role.metadata.name !== bundleRole)) {
      for (const rule of rules ?? []) {
        const said = [...(rule.apiGroups ?? []), ...(rule.resources ?? []), ...rule.verbs];
        assert.ok(!said.some((word) => word.includes('*')), metadata.name);
        assert.deepEqual(
          rule.verbs.filter((verb) => !['get', 'list', 'watch'].includes(verb)),
          [],
          metadata.name,
        );
      }
    }
  });

  test("the server's own are nodes, pods and its own status, and none at kubelets", () => {
    const role = of<V1ClusterRole>('ClusterRole').find(({ metadata }) => metadata.name === 'system:kubegauge');
    assert.deepEqual(role?.rules, [
      { apiGroups: [''], resources: ['pods', 'nodes'], verbs: ['list', 'watch'] },
      { nonResourceURLs: ['/status'], verbs: ['get'] },
    ]);
  });

  test('users get the verbs that metrics.k8s.io has', () => {
    const role = of<V1ClusterRole>('ClusterRole').find(({ metadata }) => metadata.name === readerRole);
    assert.deepEqual(role?.rules, [
      { apiGroups: ['metrics.k8s.io'], resources: ['pods', 'nodes'], verbs: ['get', 'list'] },
    ]);
  });

  test('only the pod of the Deployment gets the token of its ServiceAccount, and no pod that of the other', () => {
    const accounts = of<V1ServiceAccount>('ServiceAccount');
    const [deployment] = of<V1Deployment>('Deployment');
    assert.deepEqual(
      accounts.map(({ automountServiceAccountToken }) => automountServiceAccountToken),
      [false, false],
    );
    assert.equal(deployment?.spec?.template.spec?.serviceAccountName, 'kubegauge');
    assert.equal(deployment?.spec?.template.spec?.automountServiceAccountToken, true);
  });

  test("metrics-server's account gets no right, since its pods and `kubectl rollout undo` show its token to kubelets", () => {
    assert.deepEqual(bindingsOf('metrics-server'), []);
  });

  test('what kubelets are shown can get nodes/metrics, and nothing else', () => {
    const bindings = bindingsOf(kubeletAccount);
    assert.deepEqual(bindings, ['ClusterRole system:kubegauge-kubelets']);
    const role = of<V1ClusterRole>('ClusterRole').find(({ metadata }) => metadata.name === `system:${kubeletAccount}`);
    assert.deepEqual(role?.rules, [{ apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] }]);
    assert.equal(role?.aggregationRule, undefined);
  });

  test('the server may get its own Service, and list the EndpointSlices beside it', () => {
    const role = of<V1Role>('Role').find(({ metadata }) => metadata.name === 'kubegauge-service');
    const [service] = of<V1Service>('Service');
    assert.equal(role?.metadata.namespace, service?.metadata.namespace);
    assert.deepEqual(role?.rules, [
      { apiGroups: [''], resources: ['services'], resourceNames: [service?.metadata.name], verbs: ['get'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list'] },
    ]);
    assert.equal(flags['service-name'].default, service?.metadata.name);
  });

  test('the server may create tokens of that account alone, which an argument requires it to use', () => {
    const roles = of<V1Role>('Role').filter(({ metadata }) => metadata.name.endsWith('-tokens'));
    assert.deepEqual(
      roles.map(({ metadata, rules }) => [metadata.namespace, metadata.name, rules]),
      [
        [
          'kube-system',
          'kubegauge-kubelet-tokens',
          [
            {
              apiGroups: [''],
              resources: ['serviceaccounts/token'],
              resourceNames: [kubeletAccount],
              verbs: ['create'],
            },
          ],
        ],
      ],
    );
    const args = of<V1Deployment>('Deployment')[0]?.spec?.template.spec?.containers[0]?.args ?? [];
    assert.equal(parseCommandLine(args).options['kubelet-service-account'], kubeletAccount);
    assert.equal(defaultKubeletAccount, kubeletAccount);
  });

  test('the rest is delegation by roles of Kubernetes, and only to its ServiceAccount', () => {
    assert.deepEqual(bindingsOf('kubegauge'), [
      'ClusterRole system:auth-delegator',
      'ClusterRole system:kubegauge',
      'ClusterRole system:kubegauge-ca-bundle',
      'Role extension-apiserver-authentication-reader',
      'Role kubegauge-kubelet-tokens',
      'Role kubegauge-service',
    ]);
    for (const { subjects } of bindings) assert.equal(subjects?.length, 1);
    assert.equal(bindings.length, bindingsOf('kubegauge').length + bindingsOf(kubeletAccount).length);
  });
});

describe('deployment', () => {
  const [deployment] = of<V1Deployment>('Deployment');
  const pod = deployment?.spec?.template.spec;
  const container = pod?.containers[0];
  const args = container?.args ?? [];

  test('every argument is a flag of the table, and together they are accepted', () => {
    assert.ok(args.length > 0);
    for (const argument of args) {
      const name = /^--([^=]+)/.exec(argument)?.[1];
      assert.ok(name !== undefined && Object.hasOwn(flags, name), `${argument} is not in src/options/flags`);
    }
    assert.deepEqual(parseCommandLine(args).ignored, []);
  });

  test('the arguments are those of the release of metrics-server, the account for kubelets, and where the snapshot is', () => {
    assert.deepEqual(args, [
      '--cert-dir=/tmp',
      '--secure-port=10250',
      '--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname',
      '--kubelet-use-node-status-port',
      '--kubelet-service-account=kubegauge-kubelets',
      '--metric-resolution=15s',
      '--snapshot-path=/tmp/snapshot',
    ]);
  });

  test('the image is of this version', () => assert.equal(container?.image, `kubegauge:${version}`));

  test('port, Service and probes agree', () => {
    const { options } = parseCommandLine(args);
    assert.deepEqual(
      container?.ports?.map(({ name, containerPort }) => [name, containerPort]),
      [['https', options['secure-port']]],
    );
    const [service] = of<V1Service>('Service');
    assert.deepEqual(
      service?.spec?.ports?.map(({ port, targetPort }) => [port, targetPort]),
      [[443, 'https']],
    );
    assert.deepEqual(service?.spec?.selector, deployment?.spec?.template.metadata?.labels);
    assert.deepEqual(deployment?.spec?.selector.matchLabels, deployment?.spec?.template.metadata?.labels);
    const { httpGet, periodSeconds = 0, failureThreshold = 0 } = container?.readinessProbe ?? {};
    assert.deepEqual(httpGet, { path: '/readyz', port: 'https', scheme: 'HTTPS' });
    // The first probe of a container that starts fails, so its period delays each restart.
    assert.deepEqual([periodSeconds, periodSeconds * failureThreshold], [2, 30]);
    assert.deepEqual(container?.livenessProbe?.httpGet, { path: '/livez', port: 'https', scheme: 'HTTPS' });
  });

  test('the container can write to one emptyDir and has no privilege', () => {
    assert.deepEqual(container?.securityContext, {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    assert.deepEqual(pod?.volumes, [{ name: 'tmp-dir', emptyDir: { sizeLimit: '1200Mi' } }]);
    assert.deepEqual(container?.volumeMounts, [{ name: 'tmp-dir', mountPath: '/tmp' }]);
    assert.equal(parseCommandLine(args).options['cert-dir'], '/tmp');
    assert.equal(pod?.priorityClassName, 'system-cluster-critical');
  });
});

describe('sizing', () => {
  const mebibyte = 1024 ** 2;
  const snapshotMiB = snapshotLimitBytes / mebibyte;
  const pod = of<V1Deployment>('Deployment')[0]?.spec?.template.spec;
  const limitMiB = Number(/^(\d+)Gi$/.exec(pod?.containers[0]?.resources?.limits?.['memory'] ?? '')?.[1]) * 1024;
  const largest = readMeasured().figures['large.5000.ours.rss-peak'];
  /** Memory for the largest cluster that Kubernetes supports, in MiB, as measured. */
  const residentMiB = largest?.unit === 'MiB' ? largest.high : Number.NaN;
  const dockerfile = readFileSync(path.join(manifests, '../Dockerfile'), 'utf8');
  const percent = Number(/^ENV .*--max-old-space-size-percentage=(\d+)/m.exec(dockerfile)?.[1]);

  test('the memory limit is twice what the largest cluster, a snapshot that is read, and waiting answers take', () => {
    // Its bytes and its text are in memory together.
    const neededMiB = residentMiB + 2 * snapshotMiB + waitingBytesLimit / mebibyte;
    assert.ok(limitMiB >= 2 * neededMiB, `${limitMiB} MiB for ${neededMiB} MiB`);
  });

  test('of the limit, the heap and what is beside it have twice what they take', () => {
    const heapMiB = (limitMiB * percent) / 100;
    assert.ok(heapMiB >= 2 * residentMiB, `a heap of ${heapMiB} MiB`);
    const besideMiB = limitMiB - heapMiB;
    assert.ok(besideMiB >= 1.5 * (2 * snapshotMiB + waitingBytesLimit / mebibyte), `${besideMiB} MiB beside the heap`);
  });

  test('Node ties the heap to the memory that it is given', () => {
    const heap = (share: number) => {
      const script = 'process.stdout.write(String(v8.getHeapStatistics().heap_size_limit))';
      return Number(execFileSync(process.execPath, [`--max-old-space-size-percentage=${share}`, '-e', script]));
    };
    // 0 is no constraint, as is more than the machine has.
    const memory = Math.min(totalmem(), process.constrainedMemory() || Infinity);
    const ratio = (heap(percent) - heap(percent / 2)) / (memory / 200);
    assert.ok(Math.abs(ratio - percent) < 1, `${ratio} percent`);
  });

  test('the volume has room for the old snapshot and the new one, so that its limit never evicts the pod', () => {
    const size = Number(/^(\d+)Mi$/.exec(pod?.volumes?.[0]?.emptyDir?.sizeLimit ?? '')?.[1]);
    const largestMiB = (snapshotLimitBytes + historyLimitBytes + rulesLimitBytes) / mebibyte;
    assert.ok(size >= 2 * largestMiB + 64, `${size} MiB`);
  });

  test('the base images are named by tag and digest', () => {
    const images = [...dockerfile.matchAll(/^ARG (?:BUILD|RUNTIME)_IMAGE=(.*)$/gm)].map(([, image]) => image ?? '');
    assert.equal(images.length, 2);
    for (const image of images) assert.match(image, /^[a-z0-9./-]+:[a-z0-9.-]+@sha256:[0-9a-f]{64}$/);
  });
});

describe('the component networkpolicy', () => {
  const objects = objectsBelow('components/networkpolicy/');
  const [policy] = objects.filter(
    (object): object is KubernetesObject & V1NetworkPolicy => object.kind === 'NetworkPolicy',
  );
  const [deployment] = of<V1Deployment>('Deployment');

  test('adds one policy, for the pod of the Deployment', () => {
    assert.equal(objects.length, 1);
    assert.equal(policy?.metadata?.namespace, deployment?.metadata?.namespace);
    assert.deepEqual(policy?.spec?.podSelector?.matchLabels, deployment?.spec?.template.metadata?.labels);
    assert.deepEqual(policy?.spec?.policyTypes, ['Ingress', 'Egress']);
  });

  test('lets in what comes to the port of the Service, and nothing else', () => {
    assert.deepEqual(policy?.spec?.ingress, [{ ports: [{ protocol: 'TCP', port: 'https' }] }]);
    assert.equal(deployment?.spec?.template.spec?.containers[0]?.ports?.[0]?.name, 'https');
  });

  test('lets out what goes to DNS, kube-apiserver and the default port of kubelets', () => {
    const out = policy?.spec?.egress?.flatMap(({ ports = [] }) => ports.map((each) => `${each.protocol} ${each.port}`));
    assert.deepEqual(out, ['UDP 53', 'TCP 53', 'TCP 443', 'TCP 6443', `TCP ${flags['kubelet-port'].default}`]);
  });
});

describe('the component kubelet-proxy', () => {
  const { apiVersion, kind, patches, ...rest }: Component = parse(
    texts.get('components/kubelet-proxy/kustomization.yaml') ?? '',
  );
  const changed = patches.reduce(applyPatch, everything);

  test('has patches and nothing else, which all apply', () => {
    assert.deepEqual({ apiVersion, kind }, { apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component' });
    assert.deepEqual(rest, {});
    assert.deepEqual(
      changed.filter((object, at) => !isDeepStrictEqual(object, everything[at])).map((object) => object.kind),
      ['Deployment', 'ClusterRole'],
    );
  });

  test('adds one argument, which the base accepts beside its own', () => {
    const argsOf = (objects: readonly KubernetesObject[]) =>
      (find(objects, 'Deployment', 'metrics-server') as V1Deployment).spec?.template.spec?.containers[0]?.args ?? [];
    assert.deepEqual(argsOf(changed), [...argsOf(everything), '--kubelet-connection=proxy']);
    const { options, ignored } = parseCommandLine(argsOf(changed));
    assert.equal(options['kubelet-connection'], 'proxy');
    assert.deepEqual(ignored, []);
  });

  test('adds one right, which the base does without', () => {
    const rulesOf = (objects: readonly KubernetesObject[]) =>
      (find(objects, 'ClusterRole', 'system:kubegauge') as V1ClusterRole).rules ?? [];
    assert.deepEqual(rulesOf(changed), [
      ...rulesOf(everything),
      { apiGroups: [''], resources: ['nodes/proxy'], verbs: ['get'] },
    ]);
    assert.ok(!everything.some((object) => JSON.stringify(object).includes('nodes/proxy')));
  });

  test('warns of that right', () => {
    const readme = readFileSync(path.join(manifests, 'components/kubelet-proxy/README.md'), 'utf8');
    assert.match(readme, /as good as root/);
  });
});

describe('the component high-availability', () => {
  const folder = 'components/high-availability/';
  const { patches, resources, ...rest }: Component & { resources: string[] } = parse(
    texts.get(`${folder}kustomization.yaml`) ?? '',
  );
  const changed = patches.reduce(applyPatch, everything);
  const deploymentOf = (objects: readonly KubernetesObject[]) =>
    find(objects, 'Deployment', 'metrics-server') as V1Deployment;
  const labels = deploymentOf(everything).spec?.template.metadata?.labels;

  test('changes the Deployment and adds a PodDisruptionBudget', () => {
    assert.deepEqual(rest, { apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component' });
    assert.deepEqual(resources, ['poddisruptionbudget.yaml']);
    assert.deepEqual(
      changed.filter((object, at) => !isDeepStrictEqual(object, everything[at])).map(({ kind }) => kind),
      ['Deployment'],
    );
  });

  test('adds what concerns several replicas, and leaves the container as it is', () => {
    const { replicas, strategy, template } = deploymentOf(changed).spec ?? assert.fail();
    const before = deploymentOf(everything).spec ?? assert.fail();
    assert.equal(replicas, 2);
    assert.deepEqual(strategy, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } });
    const { affinity, topologySpreadConstraints, ...spec } = template.spec ?? assert.fail();
    assert.deepEqual(spec, before.template.spec);
    assert.deepEqual(template.metadata, before.template.metadata);
    assert.ok(affinity && topologySpreadConstraints);
  });

  test('prefers other nodes and zones, and requires none', () => {
    const { affinity, topologySpreadConstraints } = deploymentOf(changed).spec?.template.spec ?? assert.fail();
    assert.deepEqual(Object.keys(affinity ?? {}), ['podAntiAffinity']);
    assert.deepEqual(Object.keys(affinity?.podAntiAffinity ?? {}), ['preferredDuringSchedulingIgnoredDuringExecution']);
    const [term] = affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    assert.equal(term?.podAffinityTerm.topologyKey, 'kubernetes.io/hostname');
    assert.deepEqual(term?.podAffinityTerm.labelSelector, { matchLabels: labels });
    assert.deepEqual(
      topologySpreadConstraints?.map(({ topologyKey }) => topologyKey),
      ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'],
    );
    for (const constraint of topologySpreadConstraints ?? []) {
      assert.equal(constraint.whenUnsatisfiable, 'ScheduleAnyway');
      assert.deepEqual(constraint.labelSelector, { matchLabels: labels });
      assert.deepEqual(constraint.matchLabelKeys, ['pod-template-hash']);
    }
  });

  test('lets one pod be evicted at a time, and one that is not Ready always', () => {
    const [budget, ...others] = objectsBelow(folder) as (KubernetesObject & V1PodDisruptionBudget)[];
    assert.equal(others.length, 0);
    assert.equal(budget?.metadata.namespace, deploymentOf(everything).metadata?.namespace);
    assert.deepEqual(budget?.spec, {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: labels },
    });
  });
});

describe('the components certificate-secret and cert-manager', () => {
  const secret: Component = parse(texts.get('components/certificate-secret/kustomization.yaml') ?? '');
  const changed = secret.patches.reduce(applyPatch, everything);
  const deployment = find(changed, 'Deployment', 'metrics-server') as KubernetesObject & V1Deployment;
  const pod = deployment.spec?.template.spec;
  const [container] = pod?.containers ?? [];

  test('serve the files of one Secret, which the base accepts beside its own arguments', () => {
    const { options, ignored } = parseCommandLine(container?.args ?? []);
    assert.deepEqual(ignored, []);
    const mount = container?.volumeMounts?.find(({ name }) => name === 'certificate');
    assert.equal(options['tls-cert-file'], `${mount?.mountPath}/tls.crt`);
    assert.equal(options['tls-private-key-file'], `${mount?.mountPath}/tls.key`);
    assert.equal(mount?.readOnly, true);
    const volume = pod?.volumes?.find(({ name }) => name === 'certificate');
    assert.deepEqual(volume?.secret, { secretName: 'metrics-server-certificate' });
  });

  test('cert-manager issues that Secret for the name that kube-apiserver verifies, and is named as the writer of caBundle', () => {
    const certManager: Component = parse(texts.get('components/cert-manager/kustomization.yaml') ?? '');
    const objects = objectsBelow('components/cert-manager/');
    const certificate = find(objects, 'Certificate', 'metrics-server') as KubernetesObject & {
      spec: { secretName: string; dnsNames: string[] };
    };
    assert.equal(certificate.spec.secretName, 'metrics-server-certificate');
    assert.equal(certificate.spec.dnsNames[0], 'metrics-server.kube-system.svc');
    const [{ patch } = { patch: '' }] = certManager.patches;
    const [{ value }] = parse(patch) as [{ value: Record<string, string> }];
    assert.deepEqual(value, { 'cert-manager.io/inject-ca-from': 'kube-system/metrics-server' });
    for (const annotation of Object.keys(value)) assert.ok(keepOffAnnotations.includes(annotation));
  });
});

describe('in the test cluster', () => {
  test('as a pod only the way to kube-apiserver and the pull policy differ', () => {
    const fitted = inPod(everything, { ip: '192.0.2.1', port: 6443 });
    const deployment = fitted.find(({ kind }) => kind === 'Deployment') as V1Deployment | undefined;
    const { env, imagePullPolicy, ...rest } = deployment?.spec?.template.spec?.containers[0] ?? { name: '' };
    assert.deepEqual(env, [
      { name: 'KUBERNETES_SERVICE_HOST', value: '192.0.2.1' },
      { name: 'KUBERNETES_SERVICE_PORT', value: '6443' },
    ]);
    assert.equal(imagePullPolicy, 'Never');
    const { imagePullPolicy: _, ...before } = of<V1Deployment>('Deployment')[0]?.spec?.template.spec?.containers[0] ?? {
      name: '',
    };
    assert.deepEqual(rest, before);
    assert.deepEqual(
      fitted.filter(({ kind }) => kind !== 'Deployment'),
      everything.filter(({ kind }) => kind !== 'Deployment'),
    );
  });

  test('as a process the Service has no selector and one endpoint', () => {
    const list: { items: KubernetesObject[] } = JSON.parse(toList(outsidePod(everything, '2001:db8::1', 4443)));
    assert.ok(!list.items.some(({ kind }) => kind === 'Deployment'));
    const [service, slice] = outsideEndpoint('2001:db8::1', 4443);
    assert.deepEqual(list.items.slice(-2), [service, slice]);
    assert.equal(service.spec?.selector, undefined);
    assert.equal(service.spec?.ports?.[0]?.targetPort, 4443);
    assert.equal(slice.addressType, 'IPv6');
    assert.deepEqual(slice.endpoints, [{ addresses: ['2001:db8::1'], conditions: { ready: true } }]);
  });
});

interface Component {
  readonly apiVersion: string;
  readonly kind: string;
  readonly patches: readonly Patch[];
}

interface Patch {
  readonly target: { readonly kind: string; readonly name: string };
  /** JSON Patch (RFC 6902) as YAML. */
  readonly patch: string;
}

/** As kustomize does, as far as our patches go: `test`, and `add` of a field or to the end of a list. */
function applyPatch(objects: readonly KubernetesObject[], { target, patch }: Patch): KubernetesObject[] {
  const found = find(objects, target.kind, target.name);
  const patched = structuredClone(found);
  for (const { op, path: pointer, value } of parse(patch) as { op: string; path: string; value: unknown }[]) {
    const keys = pointer.split('/').slice(1);
    const last = keys.pop() ?? '';
    const parent = keys.reduce<unknown>((at, key) => Reflect.get(at as object, key), patched);
    if (op === 'test') assert.deepEqual(Reflect.get(parent as object, last), value, pointer);
    else if (op === 'add' && last === '-' && Array.isArray(parent)) parent.push(value);
    else if (op === 'add' && !Array.isArray(parent)) Reflect.set(parent as object, last, value);
    else assert.fail(`${op} ${pointer} is not known here`);
  }
  return objects.map((object) => (object === found ? patched : object));
}

function find(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.filter((object) => object.kind === kind && object.metadata.name === name);
  assert.equal(found.length, 1, `${kind} ${name}`);
  return found[0] ?? assert.fail();
}

function isKustomization(file: string): boolean {
  return path.basename(file) === 'kustomization.yaml';
}

describe('the component kubelet-pins', () => {
  const objects = objectsBelow('components/kubelet-pins/');
  const configMap = objects.find(({ kind }) => kind === 'ConfigMap');

  test('ships the ConfigMap without data, so that applying it again empties nothing', () => {
    assert.equal(configMap?.metadata.name, pinsConfigMapName);
    assert.equal(configMap?.metadata.namespace, defaultPinsNamespace);
    assert.deepEqual(Object.keys(configMap ?? {}).sort(), ['apiVersion', 'kind', 'metadata']);
  });

  test('grants get and update of this ConfigMap to the account of the server, which kubelets never see', () => {
    const role = objects.find((object): object is KubernetesObject & V1Role => object.kind === 'Role');
    assert.deepEqual(role?.rules, [
      { apiGroups: [''], resources: ['configmaps'], resourceNames: [pinsConfigMapName], verbs: ['get', 'update'] },
    ]);
    const binding = objects.find(
      (object): object is KubernetesObject & V1ClusterRoleBinding => object.kind === 'RoleBinding',
    );
    assert.deepEqual(binding?.subjects, [{ kind: 'ServiceAccount', name: 'kubegauge', namespace: 'kube-system' }]);
    assert.equal(objects.length, 3);
  });

  test('adds an argument that the flag table knows', () => {
    const { patches }: { patches: { patch: string }[] } = parse(
      texts.get('components/kubelet-pins/kustomization.yaml') ?? '',
    );
    const operations: { path: string; value: string }[] = parse(patches[0]?.patch ?? '');
    const args = operations.filter(({ path: at }) => at.endsWith('/args/-')).map(({ value }) => value);
    assert.deepEqual(args, ['--kubelet-tls=pin']);
    assert.equal(parseCommandLine(args).options['kubelet-tls'], 'pin');
  });
});

describe('the components custom-metrics and external-metrics', () => {
  const objects = ['custom', 'external'].flatMap((each) => objectsBelow(`components/${each}-metrics/`));
  const apiServices = objects.filter(
    (object): object is KubernetesObject & V1APIService => object.kind === 'APIService',
  );

  test('register the versions that the server can serve, and v1beta2 is preferred', () => {
    const expected = [
      ...customVersions.map((each) => [customGroup, each] as const),
      [externalGroup, externalVersion] as const,
    ];
    assert.deepEqual(
      apiServices.map(({ metadata, spec }) => [metadata.name, spec?.group, spec?.version]),
      expected.map(([group, each]) => [`${each}.${group}`, group, each]),
    );
    const [preferred = 0, other = 0] = apiServices.map(({ spec }) => spec?.versionPriority);
    assert.ok(preferred > other);
    for (const { spec } of apiServices) {
      assert.deepEqual(spec?.service, { name: 'metrics-server', namespace: 'kube-system', port: 443 });
      assert.ok(!('caBundle' in spec) && !('insecureSkipTLSVerify' in spec));
    }
  });

  test("let the server's account list objects and autoscalers, and write to these APIServices by name alone", () => {
    const roles = objects.filter((object): object is KubernetesObject & V1ClusterRole => object.kind === 'ClusterRole');
    const writes = roles.flatMap(({ rules = [] }) => rules).filter(({ verbs }) => verbs.includes('patch'));
    for (const { resources } of writes) assert.deepEqual(resources, ['apiservices']);
    assert.deepEqual(
      writes.flatMap(({ resourceNames = [] }) => resourceNames).sort(),
      apiServices.map(({ metadata }) => metadata.name).sort(),
    );
    const others = roles.flatMap(({ rules = [] }) => rules).filter((rule) => !writes.includes(rule));
    for (const { verbs } of others) assert.deepEqual(verbs, ['list', 'watch']);
    const bindings = objects.filter(
      (object): object is KubernetesObject & V1ClusterRoleBinding => object.kind === 'ClusterRoleBinding',
    );
    for (const { metadata, roleRef, subjects } of bindings) {
      assert.equal(roleRef.name, metadata.name);
      assert.deepEqual(subjects, [{ kind: 'ServiceAccount', name: 'kubegauge', namespace: 'kube-system' }]);
    }
    assert.equal(bindings.length, roles.length);
  });
});

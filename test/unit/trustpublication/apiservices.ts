/** APIServices, pods and roots for the tests of trustpublication. */
import { X509Certificate } from 'node:crypto';
import type { OwnPod } from '../../../src/trustpublication/publicationdecision.ts';
import type { RootOwner } from '../../../src/tls/podroot.ts';
import type { OwnerOf } from '../../../src/trustpublication/publishedroots.ts';
import { makeAuthority } from '../../fakes/certificates.ts';
import { type KubeObject, pod } from '../../fakes/kubeobjects.ts';

export const service = { namespace: 'kube-system', name: 'metrics-server' };

/** The IP address of each serverPod(). */
export const podAddress = '10.0.0.1';

/** The Service of that name; it selects serverPod(). */
export const serverService: KubeObject = {
  kind: 'Service',
  apiVersion: 'v1',
  metadata: service,
  spec: { selector: { 'k8s-app': 'metrics-server' }, ports: [{ name: 'https', port: 443 }] },
};

/** Returns a Ready pod behind the Service. @param template the hash of the ReplicaSet's template. */
export function serverPod(uid: string, template = 'new'): KubeObject {
  const labels = { 'k8s-app': 'metrics-server', 'pod-template-hash': template };
  return {
    ...pod(service.namespace, ownerNamed(uid).pod, { uid, labels, nodeName: 'node-0' }),
    status: {
      phase: 'Running',
      podIPs: [{ ip: podAddress }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

export interface SliceParts {
  readonly name?: string;
  readonly address?: string;
  /** The program that writes it; default: a person. */
  readonly manager?: string;
  /** Its name. */
  readonly port?: string;
  readonly conditions?: Readonly<Record<string, boolean>>;
}

/** Returns an EndpointSlice of serverService. */
export function endpointSlice({
  name = 'by-hand',
  address = '10.0.0.9',
  manager,
  port = 'https',
  conditions,
}: SliceParts = {}): KubeObject {
  const managedBy = manager === undefined ? {} : { 'endpointslice.kubernetes.io/managed-by': manager };
  return {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: {
      namespace: service.namespace,
      name,
      labels: { 'kubernetes.io/service-name': service.name, ...managedBy },
    },
    addressType: 'IPv4',
    ports: [{ name: port, port: 10250 }],
    endpoints: [{ addresses: [address], ...(conditions && { conditions }) }],
  };
}

export interface ApiServiceObject {
  readonly kind: 'APIService';
  readonly apiVersion: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly service: { readonly namespace: string; readonly name: string };
    readonly insecureSkipTLSVerify?: boolean;
    readonly caBundle?: string;
  };
  readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string }[] };
}

export interface ApiServiceParts {
  readonly name?: string;
  readonly insecure?: boolean;
  /** PEM, or any other text. */
  readonly bundle?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly available?: boolean;
}

export function apiService({
  name = 'v1beta1.metrics.k8s.io',
  insecure,
  bundle,
  annotations,
  available = false,
}: ApiServiceParts = {}): ApiServiceObject {
  return {
    kind: 'APIService',
    apiVersion: 'apiregistration.k8s.io/v1',
    metadata: { name, ...(annotations === undefined ? {} : { annotations }) },
    spec: {
      service,
      ...(insecure === true ? { insecureSkipTLSVerify: true } : {}),
      ...(bundle === undefined ? {} : { caBundle: Buffer.from(bundle, 'latin1').toString('base64') }),
    },
    status: { conditions: [{ type: 'Available', status: available ? 'True' : 'False' }] },
  };
}

export { patchApiService as patched } from '../../fakes/jsonpatch.ts';

export function bundleOf({ spec }: ApiServiceObject): string {
  return Buffer.from(spec.caBundle ?? '', 'base64').toString('latin1');
}

const prefix = 'kubegauge test root of ';

/** Finds the roots of makeRoot, in place of tls/podroot.ts. */
export const ownerOf: OwnerOf = (certificate) => {
  const name = /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? '';
  if (!name.startsWith(prefix)) return undefined;
  const uid = name.slice(prefix.length);
  return ownerNamed(uid);
};

export function ownerNamed(uid: string): RootOwner {
  return { namespace: service.namespace, pod: `kubegauge-${uid}`, uid };
}

/** Each call makes another root, as each start of a container does. */
export function makeRoot(uid: string): X509Certificate {
  return new X509Certificate(makeAuthority(`${prefix}${uid}`).cert);
}

export function ownPod(uid: string, root = makeRoot(uid)): OwnPod {
  return { owner: ownerNamed(uid), root, service };
}

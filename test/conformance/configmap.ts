/** Takes the ConfigMap with the trusted CAs away for a time: kube-apiserver makes it again as soon as it is gone, if it can. */
import { waitFor } from '../cluster/wait.ts';
import type { Watch } from './case.ts';
import { dig } from './objects.ts';

const configMaps = '/api/v1/namespaces/kube-system/configmaps';
const name = 'extension-apiserver-authentication';
const path = `${configMaps}/${name}`;

export type TrustData = Readonly<Record<string, string>>;

export async function trustData({ administrate }: Watch): Promise<TrustData> {
  return dig(await administrate('GET', path), 'data') as TrustData;
}

/** Replaces these keys and leaves the others; null removes one. */
export async function changeTrust(
  { administrate }: Watch,
  data: Readonly<Record<string, string | null>>,
): Promise<void> {
  await administrate('PATCH', path, { data });
}

/** Does something while the ConfigMap is deleted; resolves when kube-apiserver has made it again, with its own settings in it. */
export async function whileDeleted<T>({ administrate }: Watch, during: () => Promise<T>): Promise<T> {
  await administrate('POST', policies, policy);
  await administrate('POST', bindings, binding);
  try {
    await waitFor(
      'the right to make the ConfigMap to be gone',
      () => administrate('POST', `${configMaps}?dryRun=All`, { metadata: { name } }).catch(isForbidden),
      admissionTimeoutMs,
    );
    await administrate('DELETE', path);
    return await during();
  } finally {
    await administrate('DELETE', `${bindings}/${policy.metadata.name}`);
    await administrate('DELETE', `${policies}/${policy.metadata.name}`);
    await waitFor('the ConfigMap to be there again', () => administrate('GET', path), admissionTimeoutMs);
  }
}

/** A policy counts a moment after it was made; kube-apiserver tries to make the ConfigMap less and less often. */
const admissionTimeoutMs = 30_000;

const admission = '/apis/admissionregistration.k8s.io/v1';
const policies = `${admission}/validatingadmissionpolicies`;
const bindings = `${admission}/validatingadmissionpolicybindings`;

const policy = {
  metadata: { name: 'without-trust' },
  spec: {
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: [''],
          apiVersions: ['v1'],
          operations: ['CREATE'],
          resources: ['configmaps'],
          resourceNames: [name],
        },
      ],
    },
    validations: [{ expression: 'false', message: 'a case does without it' }],
  },
};

const binding = {
  metadata: policy.metadata,
  spec: { policyName: policy.metadata.name, validationActions: ['Deny'] },
};

const isForbidden = (error: unknown): boolean => String(error).includes('a case does without it');

/** Checks the ConfigMap by which kube-apiserver says how it proves that it is the front proxy, and the expiry of its CAs. */
import type { X509Certificate } from 'node:crypto';
import { authenticationConfigMap } from '../../auth/configmap.ts';
import { field, textMap } from '../../client/json.ts';
import { parseTrustBundle } from '../../tls/trustbundle.ts';
import { describeError } from '../../logging.ts';
import type { Check, CheckContext } from '../check.ts';
import type { Finding } from '../finding.ts';
import { dateOf, expiryWarningMs, subjectOf } from './expiry.ts';

const object = 'ConfigMap kube-system/extension-apiserver-authentication';

export const frontProxyCheck: Check = {
  name: 'front-proxy',
  title: 'how kube-apiserver proves who it is: its ConfigMap, and the expiry of each CA',
  codes: [
    'front-proxy-configmap-missing',
    'front-proxy-ca-missing',
    'front-proxy-ca-unreadable',
    'front-proxy-ca-expired',
    'front-proxy-ca-expires',
    'front-proxy-any-name',
    'front-proxy-headers-missing',
  ],
  run,
};

async function* run({ api, nowMs }: CheckContext): AsyncIterable<Finding> {
  // As the server itself, whose role allows this list.
  const [configMap] = (await api.list(authenticationConfigMap.path, { query: authenticationConfigMap.query })) ?? [];
  if (configMap === undefined) {
    yield {
      code: 'front-proxy-configmap-missing',
      severity: 'error',
      object,
      problem:
        'kube-apiserver writes it every minute unless it is prevented; without it no server knows kube-apiserver',
      remedy: 'kubectl get --raw /readyz?verbose   # poststarthook/start-cluster-authentication-info-controller',
    };
    return;
  }
  const data = textMap(field(configMap, 'data'));
  const frontProxyCa = data.get('requestheader-client-ca-file') ?? '';
  if (frontProxyCa === '') yield caMissing();
  else {
    yield* checkCa(frontProxy, frontProxyCa, nowMs());
    yield* checkHeaders(data);
  }
  const clientCa = data.get('client-ca-file') ?? '';
  if (clientCa !== '') yield* checkCa(clients, clientCa, nowMs());
}

const caFile = '/etc/kubernetes/pki/front-proxy-ca.crt';

/** kube-apiserver's flags; with kubeadm they are always set. */
const flags = [
  `--requestheader-client-ca-file=${caFile}`,
  '--requestheader-allowed-names=front-proxy-client',
  '--requestheader-username-headers=X-Remote-User',
  '--requestheader-group-headers=X-Remote-Group',
  '--requestheader-extra-headers-prefix=X-Remote-Extra-',
  '--proxy-client-cert-file=/etc/kubernetes/pki/front-proxy-client.crt',
  '--proxy-client-key-file=/etc/kubernetes/pki/front-proxy-client.key',
];

const flagRemedy = `# on each control-plane node: kube-apiserver needs these flags
grep -c requestheader-client-ca-file /etc/kubernetes/manifests/kube-apiserver.yaml
# ${flags.join('\n# ')}`;

function caMissing(): Finding {
  return {
    code: 'front-proxy-ca-missing',
    severity: 'error',
    object,
    problem:
      'it has no requestheader-client-ca-file: kube-apiserver runs without the flags of the aggregation layer, and its requests are anonymous or refused',
    remedy: flagRemedy,
  };
}

function* checkHeaders(data: ReadonlyMap<string, string>): Iterable<Finding> {
  if (isEmptyList(data.get('requestheader-allowed-names'))) {
    yield {
      code: 'front-proxy-any-name',
      severity: 'warning',
      object,
      problem:
        'requestheader-allowed-names is empty: any certificate of that CA may claim to be any user. It is harmless only if the CA issues nothing else',
      remedy: flagRemedy,
    };
  }
  const missing = ['requestheader-username-headers', 'requestheader-group-headers'].filter((key) =>
    isEmptyList(data.get(key)),
  );
  if (missing.length === 0) return;
  yield {
    code: 'front-proxy-headers-missing',
    severity: 'error',
    object,
    problem: `${missing.join(' and ')} is empty: users of requests through kube-apiserver are not known`,
    remedy: flagRemedy,
  };
}

function isEmptyList(json = ''): boolean {
  return ['', '[]', 'null'].includes(json.replaceAll(/\s/g, ''));
}

interface CaOfKey {
  readonly key: string;
  /** Ends a text that is no CA. */
  readonly ifUnreadable: string;
  /** Ends a CA that expires. */
  readonly ifExpired: string;
}

function* checkCa({ key, ifUnreadable, ifExpired }: CaOfKey, pem: string, nowMs: number): Iterable<Finding> {
  let certificates: readonly X509Certificate[];
  try {
    ({ certificates } = parseTrustBundle(pem, `key ${key}`));
  } catch (error) {
    const problem = `no certificate of ${key} can be read`;
    yield {
      code: 'front-proxy-ca-unreadable',
      severity: 'error',
      object,
      problem,
      evidence: describeError(error),
      remedy: ifUnreadable,
    };
    return;
  }
  for (const certificate of certificates) {
    const leftMs = certificate.validToDate.getTime() - nowMs;
    if (leftMs > expiryWarningMs) continue;
    const others = certificates.some((other) => other !== certificate && other.validToDate.getTime() > nowMs);
    const expired = leftMs <= 0;
    yield {
      code: expired ? 'front-proxy-ca-expired' : 'front-proxy-ca-expires',
      severity: expired && !others ? 'error' : 'warning',
      object,
      problem: `a CA of ${key} ${expired ? 'has expired' : 'expires'}: ${dateOf(certificate)}${
        expired && !others ? '; every request that it should prove is refused' : ''
      }`,
      evidence: subjectOf(certificate),
      remedy: ifExpired,
    };
  }
}

/**
 * kubeadm renews certificates, but no CA: a CA is replaced by hand. One that does not expire, beside an old one, stays.
 * -checkend also fails without openssl, or for a file that cannot be read: then nothing is removed.
 */
const caRemedy = `# on a control-plane node with kubeadm, for the front proxy's own CA, if it is the one that expires
if sudo openssl x509 -in ${caFile} -noout -enddate && ! sudo openssl x509 -in ${caFile} -noout -checkend ${expiryWarningMs / 1_000}; then
  sudo rm /etc/kubernetes/pki/front-proxy-ca.* /etc/kubernetes/pki/front-proxy-client.*
  sudo kubeadm init phase certs front-proxy-ca && sudo kubeadm init phase certs front-proxy-client
  sudo mv /etc/kubernetes/manifests/kube-apiserver.yaml /tmp/ && sleep 20 && sudo mv /tmp/kube-apiserver.yaml /etc/kubernetes/manifests/
fi`;

const frontProxy: CaOfKey = {
  key: 'requestheader-client-ca-file',
  ifUnreadable: flagRemedy,
  ifExpired: caRemedy,
};

/** The CA of kubelets, controllers and administrators: no few commands replace it without an outage of all of them. */
const clients: CaOfKey = {
  key: 'client-ca-file',
  ifUnreadable: `# on each control-plane node: the file of kube-apiserver's flag --client-ca-file
grep client-ca-file /etc/kubernetes/manifests/kube-apiserver.yaml`,
  ifExpired: `# on a control-plane node with kubeadm; it is the CA of all clients of the cluster, which is replaced in the steps of
# https://kubernetes.io/docs/tasks/tls/manual-rotation-of-ca-certificates/
sudo kubeadm certs check-expiration`,
};

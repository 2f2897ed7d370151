/** Where kube-apiserver is, and its credentials. */
import { isIPv6 } from 'node:net';
import path from 'node:path';
import { type Clock, systemClock } from '../clock.ts';
import { parseTrustBundle, type TrustLog } from '../tls/trustbundle.ts';
import { readRegularFile } from '../watchedfile.ts';
import { watchCredentialFile } from './credentialfile.ts';

/** PEM. */
export interface TlsMaterial {
  /** Undefined: the system's roots. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name to verify instead of the URL's. */
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

/** kube-apiserver, or a server that accepts the same credentials. */
export interface ApiServer {
  /** Without a trailing slash. */
  readonly url: string;
  /** Call after authorization(): an exec plugin may provide the certificate. The same object until it changes. */
  tls(): TlsMaterial;
  /** At most a minute old; undefined if a certificate suffices. No promise if available at once. */
  authorization(): string | undefined | Promise<string | undefined>;
  /** Call after a 401: credentials are read again before their next use. */
  refresh?(): void;
  /** The namespace of our pod; undefined outside of a pod, or if it is not mounted. */
  readonly namespace?: string | undefined;
  /** The context of a kubeconfig. */
  readonly context?: string;
  /** The namespace of that context, if it names one. */
  readonly contextNamespace?: string;
}

/** For tests. */
export interface ServiceAccountFiles {
  readonly folder?: string;
  readonly clock?: Clock;
  readonly log?: TrustLog | undefined;
}

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Returns undefined outside of a pod. @throws Error in a pod without a mounted token or CA: they never appear later. */
export function inClusterApiServer(
  env: Readonly<Record<string, string | undefined>>,
  { folder = serviceAccountFolder, clock = systemClock, log }: ServiceAccountFiles = {},
): ApiServer | undefined {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  if (host === undefined || host === '' || port === undefined || port === '') return undefined;

  const remedy = 'is automountServiceAccountToken off? Mount the ServiceAccount token or pass --kubeconfig';
  const files = { remedy, clock, log };
  const token = watchCredentialFile({ ...files, what: 'the ServiceAccount token', path: path.join(folder, 'token') });
  const caFile = path.join(folder, 'ca.crt');
  const parse = (text: string) => parseTrustBundle(text, caFile, log).pem;
  const ca = watchCredentialFile({ ...files, what: "the API server's CA", path: caFile, parse });
  token.read();
  let material: TlsMaterial = { ca: ca.read(), rejectUnauthorized: true };

  return {
    url: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    tls,
    authorization: () => `Bearer ${token.read()}`,
    refresh: () => token.expire(),
    namespace: readNamespace(folder),
  };

  function tls(): TlsMaterial {
    const current = ca.read();
    if (current !== material.ca) material = { ...material, ca: current };
    return material;
  }
}

/** Bytes; a namespace's name has at most 63. */
const namespaceLimitBytes = 256;

/** Returns undefined if the file is missing, as in some projected volumes, or not usable. It never changes. */
function readNamespace(folder: string): string | undefined {
  try {
    return readRegularFile(path.join(folder, 'namespace'), namespaceLimitBytes).trim() || undefined;
  } catch {
    return undefined;
  }
}

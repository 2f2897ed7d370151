/** Where kube-apiserver is, and the credentials for it; in a pod, those of the mounted ServiceAccount. */
import { isIPv6 } from 'node:net';
import path from 'node:path';
import { type Clock, systemClock } from '../clock.ts';
import { parseTrustBundle, type TrustLog } from '../tls/trustbundle.ts';
import { watchCredentialFile } from './credentialfile.ts';

/** What a TLS connection trusts and presents, in PEM. */
export interface TlsMaterial {
  /** Undefined: the system's roots. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name to verify if it is not the URL's. */
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

/** kube-apiserver, or a server that accepts the same credentials. */
export interface ApiServer {
  /** Scheme, host, port and an optional path, without a trailing slash. */
  readonly url: string;
  /**
   * For new connections, after authorization(): an exec plugin may provide the certificate. The same object until its
   * content changes.
   */
  tls(): TlsMaterial;
  /** At most a minute old; undefined if a certificate suffices. No promise if it is available at once. */
  authorization(): string | undefined | Promise<string | undefined>;
  /** Call it after a 401: credentials are read again before their next use. */
  refresh?(): void;
}

/** For tests: folder and clock of the ServiceAccount's files. */
export interface ServiceAccountFiles {
  readonly folder?: string;
  readonly clock?: Clock;
  /** Gets warnings of damaged certificates and of files that cannot be used. */
  readonly log?: TrustLog | undefined;
}

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Undefined outside of a pod.
 * @throws Error in a pod without a mounted token or CA: they never appear later.
 */
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
  };

  function tls(): TlsMaterial {
    const current = ca.read();
    if (current !== material.ca) material = { ...material, ca: current };
    return material;
  }
}

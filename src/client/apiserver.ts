/** Where kube-apiserver is and how we prove who we are; in a pod, from the ServiceAccount that is mounted into it. */
import { isIPv6 } from 'node:net';
import path from 'node:path';
import { type Clock, systemClock } from '../clock.ts';
import { parseTrustBundle, type TrustLog } from '../tls/trustbundle.ts';
import { watchCredentialFile } from './credentialfile.ts';

/** What to trust and to show on a TLS connection; everything in PEM. */
export interface TlsMaterial {
  /** Undefined means the system's roots. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name to verify where it is not the URL's. */
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

/** A server that speaks for Kubernetes: kube-apiserver here; kubelets take the same token, certificate and CA. */
export interface ApiServer {
  /** Scheme, host, port and perhaps a path; no slash at the end. */
  readonly url: string;
  /** For new connections. The same object until something in it changes, so that it can be compared. Ask after authorization(): an exec plugin may have brought a certificate. */
  tls(): TlsMaterial;
  /** Value of the Authorization header, e.g. `Bearer ...`; undefined if the certificate is all there is. Never older than a minute. Not a promise where it is at hand. */
  authorization(): string | undefined | Promise<string | undefined>;
  /** To be called when the server answers 401: the credentials are read anew before they are used again. */
  refresh?(): void;
}

/** Where the account's files are and how old they are; both only ever differ in tests. */
export interface ServiceAccountFiles {
  readonly folder?: string;
  readonly clock?: Clock;
  /** Gets a warning of what is damaged in the CA. */
  readonly log?: TrustLog | undefined;
}

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The API server as seen from a pod, or undefined outside of one.
 * @throws Error in a pod without a mounted token or CA, as these never come later.
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

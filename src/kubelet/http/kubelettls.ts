/** CA, certificate and key for kubelets: from flags, or kube-apiserver's. */
import type { ApiServer } from '../../client/apiserver.ts';
import { watchCredentialFile } from '../../client/credentialfile.ts';
import type { Clock } from '../../clock.ts';
import { certificateText, keyText } from '../../tls/keypair.ts';
import { parseTrustBundle, type TrustLog } from '../../tls/trustbundle.ts';

export interface KubeletTls {
  /** PEM bundle; undefined for the system's. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly insecure: boolean;
}

export interface KubeletTlsFlags {
  readonly insecure: boolean;
  /** Verifies even with a kubeconfig that does not verify kube-apiserver. */
  readonly mustVerify?: boolean;
  readonly certificateAuthority: string | undefined;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
}

/**
 * Returns a function that returns the same material until it changes, or throws an Error that names an unusable file.
 */
export function createKubeletTls(
  server: ApiServer,
  flags: KubeletTlsFlags,
  clock: Clock,
  log?: TrustLog,
): () => KubeletTls {
  const file = (flag: string, path: string | undefined, parse?: (text: string) => string) =>
    path === undefined
      ? undefined
      : watchCredentialFile({ what: `--${flag}`, path, remedy: 'is the file mounted?', clock, parse, log });
  const parseCa = (text: string) => parseTrustBundle(text, flags.certificateAuthority ?? '', log).pem;
  const ca = file('kubelet-certificate-authority', flags.certificateAuthority, parseCa);
  const cert = file('kubelet-client-certificate', flags.clientCertificate, (text) =>
    certificateText(text, flags.clientCertificate ?? ''),
  );
  const key = file('kubelet-client-key', flags.clientKey, (text) => keyText(text, flags.clientKey ?? ''));
  let latest: KubeletTls | undefined;

  return () => {
    const material = server.tls();
    const isUnverified = ca === undefined && !material.rejectUnauthorized && flags.mustVerify !== true;
    const insecure = flags.insecure || isUnverified;
    const current: KubeletTls = {
      insecure,
      ca: insecure ? undefined : (ca?.read() ?? material.ca),
      cert: cert?.read() ?? material.cert,
      key: key?.read() ?? material.key,
    };
    if (latest === undefined || !isSame(latest, current)) latest = current;
    return latest;
  };
}

function isSame(a: KubeletTls, b: KubeletTls): boolean {
  return a.insecure === b.insecure && a.ca === b.ca && a.cert === b.cert && a.key === b.key;
}

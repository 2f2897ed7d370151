/** What kubelets are checked against and what is shown to them: by flags, else as for kube-apiserver. */
import type { Clock } from '../../clock.ts';
import type { ApiServer } from '../../client/apiserver.ts';
import { watchCredentialFile } from '../../client/credentialfile.ts';
import { parseTrustBundle, type TrustLog } from '../../tls/trustbundle.ts';
import type { KubeletTls } from '../client.ts';

export interface KubeletTlsFlags {
  readonly insecure: boolean;
  readonly certificateAuthority: string | undefined;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
}

/** Returns what to use now: the same object until something in it changed. Throws an Error that names a file that cannot be read. */
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
  const cert = file('kubelet-client-certificate', flags.clientCertificate);
  const key = file('kubelet-client-key', flags.clientKey);
  let held: KubeletTls | undefined;

  return () => {
    const material = server.tls();
    const insecure = flags.insecure || (ca === undefined && !material.rejectUnauthorized);
    const now: KubeletTls = {
      insecure,
      ca: insecure ? undefined : (ca?.read() ?? material.ca),
      cert: cert?.read() ?? material.cert,
      key: key?.read() ?? material.key,
    };
    if (held === undefined || !equal(held, now)) held = now;
    return held;
  };
}

function equal(a: KubeletTls, b: KubeletTls): boolean {
  return a.insecure === b.insecure && a.ca === b.ca && a.cert === b.cert && a.key === b.key;
}

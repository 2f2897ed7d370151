/** Who may ask, and with what: authorities, certificates and the files that the lab's processes read them from. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Authority, type Issued, makeAuthority } from '../fakes/certificates.ts';

export type CertificateName =
  | 'administrator'
  | 'front-proxy'
  | 'front-proxy-not-allowed'
  | 'alice'
  | 'rogue'
  | 'new-front-proxy';

export interface Credentials {
  readonly clients: Authority;
  readonly frontProxies: Authority;
  /** Not trusted before the ConfigMap says so. */
  readonly newFrontProxies: Authority;
  readonly certificates: Readonly<Record<CertificateName, Issued>>;
  readonly kubelet: Issued;
  /** A file's path by its name. */
  file(name: string): string;
  /**
   * Puts another serving certificate, as good as the first, into the files of all servers, kube-apiserver among them; a second call does nothing.
   * Returns its SHA-256 fingerprint.
   */
  renewServing(): string;
}

/** Makes everything and writes below the folder what etcd's and the servers' command lines name. */
export function makeCredentials(folder: string): Credentials {
  const clients = makeAuthority('conformance clients');
  const frontProxies = makeAuthority('conformance front proxies');
  const newFrontProxies = makeAuthority('conformance new front proxies');
  const rogues = makeAuthority('conformance rogues');
  const usages = ['client'] as const;
  let renewed: Issued | undefined;
  const certificates = {
    administrator: clients.issue({ cn: 'administrator', o: ['system:masters'], usages }),
    'front-proxy': frontProxies.issue({ cn: 'front-proxy-client', usages }),
    'front-proxy-not-allowed': frontProxies.issue({ cn: 'not-allowed', usages }),
    alice: clients.issue({ cn: 'alice', o: ['dev', 'qa'], usages }),
    rogue: rogues.issue({ cn: 'front-proxy-client', o: ['system:masters'], usages }),
    'new-front-proxy': newFrontProxies.issue({ cn: 'front-proxy-client', usages }),
  };
  const file = (name: string) => path.join(folder, name);
  const write = (name: string, text: string) => writeFileSync(file(name), text, { mode: 0o600 });
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  write('sa.key', privateKey.export({ type: 'sec1', format: 'pem' }).toString());
  write('sa.pub', publicKey.export({ type: 'spki', format: 'pem' }).toString());
  write('ca.crt', clients.cert);
  write('front-proxy-ca.crt', frontProxies.cert);
  write('front-proxy.crt', certificates['front-proxy'].cert);
  write('front-proxy.key', certificates['front-proxy'].key);
  writeServing(issueServing());
  return {
    clients,
    frontProxies,
    newFrontProxies,
    certificates,
    kubelet: clients.issue({ cn: 'kubelet', ips: ['127.0.0.1'], usages: ['server'] }),
    file,
    renewServing: () => {
      if (renewed === undefined) writeServing((renewed = issueServing()));
      return new X509Certificate(renewed.cert).fingerprint256;
    },
  };

  function issueServing(): Issued {
    return clients.issue({
      cn: 'server',
      dns: ['localhost', 'kubernetes'],
      ips: ['127.0.0.1', '10.0.0.1'],
      usages: ['server'],
    });
  }

  /** Each file is whole at any time; that the two do not fit for a moment is for the servers to bear. */
  function writeServing({ cert, key }: Issued): void {
    for (const [name, text] of [
      ['serving.key', key],
      ['serving.crt', cert],
    ] as const) {
      write(`${name}.next`, text);
      renameSync(file(`${name}.next`), file(name));
    }
  }
}

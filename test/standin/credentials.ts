/** Makes the stand-in's authorities, certificates and tokens, and writes down what a person or the server needs of them. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Authority, type Issued, makeAuthority } from '../fakes/certificates.ts';
import { autoscalerUser, createUsers, readerUser, serverUser, type Users } from './users.ts';

export interface Credentials {
  /** Signs everything but the front proxy. */
  readonly authority: Authority;
  readonly frontProxyCa: string;
  readonly frontProxy: Issued;
  readonly admin: Issued;
  /** The server's serving certificate, for the names that people and the aggregator know it by. */
  readonly serving: Issued;
  readonly serverToken: string;
  readonly readerToken: string;
  readonly autoscalerToken: string;
  readonly users: Users;
}

/** The Service that the aggregator would reach the server by. */
export const serviceName = 'metrics-server.kube-system.svc';

export function createCredentials(): Credentials {
  const authority = makeAuthority('standin CA');
  const frontProxyAuthority = makeAuthority('standin front proxy CA');
  const [serverToken, readerToken, autoscalerToken] = [randomToken(), randomToken(), randomToken()];
  return {
    authority,
    frontProxyCa: frontProxyAuthority.cert,
    frontProxy: frontProxyAuthority.issue({ cn: 'front-proxy-client', usages: ['client'] }),
    admin: authority.issue({ cn: 'standin-admin', o: ['system:masters'], usages: ['client'] }),
    serving: authority.issue({
      cn: serviceName,
      dns: [serviceName, 'localhost'],
      ips: ['127.0.0.1'],
      usages: ['server'],
    }),
    serverToken,
    readerToken,
    autoscalerToken,
    users: createUsers(
      new Map([
        [serverToken, serverUser],
        [readerToken, readerUser],
        [autoscalerToken, autoscalerUser],
      ]),
    ),
  };
}

/** Where the files are. */
export interface CredentialFiles {
  readonly ca: string;
  readonly servingCert: string;
  readonly servingKey: string;
  /** The server's own, with its token. */
  readonly serverKubeconfig: string;
  /** For people. */
  readonly adminKubeconfig: string;
  /** Token file, as mounted into a pod of the reader. */
  readonly readerToken: string;
  /** For curl: the CA and the reader's token. */
  readonly curlConfig: string;
  /** A folder that need not be there. */
  readonly kubectlCache: string;
}

/** Overwrites those of the stand-in before. */
export async function writeCredentials(
  folder: string,
  credentials: Credentials,
  apiUrl: string,
): Promise<CredentialFiles> {
  const files: CredentialFiles = {
    ca: path.join(folder, 'standin-ca.crt'),
    servingCert: path.join(folder, 'standin-server.crt'),
    servingKey: path.join(folder, 'standin-server.key'),
    serverKubeconfig: path.join(folder, 'standin.kubeconfig'),
    adminKubeconfig: path.join(folder, 'admin.kubeconfig'),
    readerToken: path.join(folder, 'reader.token'),
    curlConfig: path.join(folder, 'curl.conf'),
    kubectlCache: path.join(folder, 'kubectl-cache'),
  };
  const { authority, admin, serving, serverToken, readerToken } = credentials;
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const adminUser = { 'client-certificate-data': base64(admin.cert), 'client-key-data': base64(admin.key) };
  await mkdir(folder, { recursive: true });
  const write = (file: string, text: string) => writeFile(file, text, { mode: 0o600 });
  await Promise.all([
    write(files.ca, authority.cert),
    write(files.servingCert, serving.cert),
    write(files.servingKey, serving.key),
    write(files.serverKubeconfig, kubeconfig(apiUrl, authority.cert, { token: serverToken })),
    write(files.adminKubeconfig, kubeconfig(apiUrl, authority.cert, adminUser)),
    write(files.readerToken, readerToken),
    write(files.curlConfig, curlConfig(path.resolve(files.ca), readerToken, process.platform)),
  ]);
  return files;
}

/** Returns a file for curl -K: the command is short and the same in every shell. */
export function curlConfig(ca: string, token: string, platform: NodeJS.Platform): string {
  return [
    // Within quotes, curl reads a backslash as JSON does.
    `cacert = ${JSON.stringify(ca)}`,
    `header = ${JSON.stringify(`Authorization: Bearer ${token}`)}`,
    'silent',
    'show-error',
    // The curl of Windows asks for a revocation list, and a CA of one run has none.
    ...(platform === 'win32' ? ['ssl-no-revoke'] : []),
    '',
  ].join('\n');
}

/** JSON is YAML, so every client reads it. */
function kubeconfig(server: string, ca: string, user: object): string {
  const cluster = { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'standin', cluster }],
    users: [{ name: 'standin', user }],
    contexts: [{ name: 'standin', context: { cluster: 'standin', user: 'standin' } }],
    'current-context': 'standin',
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

function randomToken(): string {
  return randomBytes(24).toString('base64url');
}

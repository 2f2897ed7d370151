/** Connects by a context of a kubeconfig: its server, what TLS needs, and its credentials. */
import type { Cluster } from '@kubernetes/client-node/dist/config_types.js';
import type { Clock } from '../clock.ts';
import { certificateText, keyText } from '../tls/keypair.ts';
import { parseTrustBundle, type TrustLog } from '../tls/trustbundle.ts';
import { readRegularFile } from '../watchedfile.ts';
import type { TlsMaterial } from './apiserver.ts';
import { watchCredentialFile } from './credentialfile.ts';
import { createExecPlugin, type PluginCertificate, type UserCredentials } from './execplugin.ts';
import { field, text } from './json.ts';
import { findContext, type KubeconfigUser } from './kubeconfigfile.ts';
import { createOidcToken } from './oidc.ts';

export interface KubeconfigContext {
  readonly name: string;
  /** Undefined where the context names none. */
  readonly namespace: string | undefined;
  readonly server: string;
  material(presented: PluginCertificate | undefined): TlsMaterial;
  /** Rejects when the signal aborts. */
  credentials(signal: AbortSignal): Promise<UserCredentials>;
}

/** A thousand clusters with CAs and users have a few MB. */
const limitBytes = 16 * 1024 * 1024;

/** @param name Default: the current context. */
export function readContext(file: string, clock: Clock, log?: TrustLog, name?: string): KubeconfigContext {
  const { name: context, namespace, cluster, user } = findContext(file, readContent(file), name);
  checkServer(file, cluster);
  if (user.impersonateUser !== undefined) {
    throw new Error(
      `${file}: user ${user.name} impersonates ${user.impersonateUser}, which is not supported; use that account's own credentials`,
    );
  }
  return {
    name: context,
    namespace,
    server: withoutSlashes(cluster.server),
    material: materialOf(file, cluster, user, clock, log),
    credentials: credentialsOf(file, user, clock, log),
  };
}

function readContent(file: string): string {
  try {
    return readRegularFile(file, limitBytes);
  } catch (cause) {
    throw new Error(`cannot read the kubeconfig ${file}; is it there, and may this user read it?`, { cause });
  }
}

function checkServer(file: string, cluster: Cluster): void {
  const where = `${file}: the server of cluster ${cluster.name}`;
  const { username, password } = URL.canParse(cluster.server)
    ? new URL(cluster.server)
    : { username: '', password: '' };
  if (username !== '' || password !== '')
    throw new Error(
      `${where} has a user or a password in its URL, which are not used; give them as the user's credentials`,
    );
  if (cluster.proxyUrl !== undefined)
    throw new Error(
      `${where} is behind a proxy-url, which is not supported; use an address that can be reached directly`,
    );
  const protocol = URL.canParse(cluster.server) ? new URL(cluster.server).protocol : undefined;
  if (protocol === 'https:') return;
  if (protocol !== 'http:') throw new Error(`${where} is ${cluster.server}, which is not an https:// URL; correct it`);
  // For kubectl proxy on localhost; client-node's rule.
  if (!cluster.skipTLSVerify) {
    throw new Error(
      `${where} is ${cluster.server}, without TLS; use https://, or insecure-skip-tls-verify: true for a kubectl proxy`,
    );
  }
}

function materialOf(
  file: string,
  cluster: Cluster,
  user: KubeconfigUser,
  clock: Clock,
  log: TrustLog | undefined,
): KubeconfigContext['material'] {
  const ofCluster = `of cluster ${cluster.name} in ${file}`;
  const ofUser = `of user ${user.name} in ${file}`;
  // Not used without verification.
  const parse = cluster.skipTLSVerify
    ? (text: string) => text
    : (text: string, source: string) => parseTrustBundle(text, source, log).pem;
  const ca = pem('certificate-authority', ofCluster, cluster.caFile, cluster.caData, parse);
  const cert = pem('client-certificate', ofUser, user.certFile, user.certData, certificateText);
  const key = pem('client-key', ofUser, user.keyFile, user.keyData, keyText);
  return (presented) => {
    const material = {
      ca: ca(),
      cert: presented?.cert ?? cert(),
      key: presented?.key ?? key(),
      servername: cluster.tlsServerName,
    };
    const given = Object.entries(material).filter(([, value]) => value !== undefined);
    return { ...Object.fromEntries(given), rejectUnauthorized: !cluster.skipTLSVerify };
  };

  /** Prefers data to a file, as client-go. */
  function pem(
    key: string,
    owner: string,
    path: string | undefined,
    data: string | undefined,
    parse: (text: string, source: string) => string,
  ): () => string | undefined {
    if (data) {
      const used = parse(Buffer.from(data, 'base64').toString('utf8'), `${key}-data ${owner}`);
      return () => used;
    }
    if (!path) return () => undefined;
    const watched = watchCredentialFile({
      what: `the ${key}`,
      path,
      remedy: `correct its path in ${file}`,
      clock,
      parse: (text) => parse(text, path),
      log,
    });
    return () => watched.read();
  }
}

function credentialsOf(
  file: string,
  user: KubeconfigUser,
  clock: Clock,
  log: TrustLog | undefined,
): KubeconfigContext['credentials'] {
  const { exec, authProvider, username, password, token, tokenFile } = user;
  if (tokenFile !== undefined) {
    const watched = watchCredentialFile({
      what: 'the tokenFile',
      path: tokenFile,
      remedy: `correct its path in ${file}`,
      clock,
      log,
    });
    return async () => ({ authorization: `Bearer ${watched.read()}`, presented: undefined });
  }
  if (exec !== undefined) return explained(createExecPlugin(exec, clock));
  if (authProvider !== undefined) {
    const idToken = createOidcToken({ config: oidcConfig(file, user.name, authProvider), clock, log });
    return explained(async (signal) => ({ authorization: `Bearer ${await idToken(signal)}`, presented: undefined }));
  }
  const basic = username ? `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` : undefined;
  const authorization = basic ?? (token ? `Bearer ${token.trim()}` : undefined);
  return async () => ({ authorization, presented: undefined });

  function explained(credentials: KubeconfigContext['credentials']): KubeconfigContext['credentials'] {
    return (signal) =>
      credentials(signal).catch((cause: unknown) => {
        signal.throwIfAborted();
        throw new Error(
          `cannot get the credentials of user ${user.name} in ${file}; does kubectl get nodes work with it?`,
          { cause },
        );
      });
  }
}

/** @throws Error for providers that run programs by a shell, or that Kubernetes has removed. */
function oidcConfig(file: string, userName: string, authProvider: unknown): unknown {
  const name = text(field(authProvider, 'name')) ?? '';
  if (name === 'oidc') return field(authProvider, 'config');
  throw new Error(
    `${file}: user ${userName} has the auth-provider ${name}, which is not supported, nor by kubectl since 1.26; use an exec plugin such as gke-gcloud-auth-plugin or kubelogin`,
  );
}

/** Strips trailing slashes, over which a regular expression would backtrack. */
function withoutSlashes(url: string): string {
  let end = url.length;
  while (url[end - 1] === '/') end -= 1;
  return url.slice(0, end);
}

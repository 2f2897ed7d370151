/** Reads a context of a kubeconfig. The library only parses it: it opens no connection and runs no program. */
import path from 'node:path';
import type { Cluster, KubeConfig, loadYaml, User } from '@kubernetes/client-node';
import type { Clock } from '../clock.ts';
import { certificateText, keyText } from '../tls/keypair.ts';
import { parseTrustBundle, type TrustLog } from '../tls/trustbundle.ts';
import { readRegularFile } from '../watchedfile.ts';
import type { TlsMaterial } from './apiserver.ts';
import { watchCredentialFile } from './credentialfile.ts';
import { createExecPlugin, type PluginCertificate, type UserCredentials } from './execplugin.ts';
import { field, items, text } from './json.ts';
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

/** The parts of the library, which is imported elsewhere: here only as types. */
export interface Library {
  readonly KubeConfig: typeof KubeConfig;
  readonly loadYaml: typeof loadYaml;
}

/** A thousand clusters with CAs and users have a few MB. */
const limitBytes = 16 * 1024 * 1024;

/** @param name Default: the current context. */
export function readContext(
  file: string,
  library: Library,
  clock: Clock,
  log?: TrustLog,
  name?: string,
): KubeconfigContext {
  const content = readContent(file);
  const config = new library.KubeConfig();
  let raw: unknown;
  try {
    config.loadFromString(content);
    config.makePathsAbsolute(path.dirname(file));
    raw = library.loadYaml<unknown>(content);
  } catch (cause) {
    throw new Error(`${file} is not a kubeconfig; compare it with the output of kubectl config view`, { cause });
  }
  const { context, namespace, cluster, user } = contextOf(file, config, name);
  return {
    name: context,
    namespace,
    server: withoutSlashes(cluster.server),
    material: materialOf(file, cluster, user, clock, log),
    credentials: credentialsOf(file, user, tokenFileOf(raw, user.name), clock, log),
  };
}

function readContent(file: string): string {
  try {
    return readRegularFile(file, limitBytes);
  } catch (cause) {
    throw new Error(`cannot read the kubeconfig ${file}; is it there, and may this user read it?`, { cause });
  }
}

function contextOf(
  file: string,
  config: KubeConfig,
  given: string | undefined,
): {
  readonly context: string;
  readonly namespace: string | undefined;
  readonly cluster: Cluster;
  readonly user: User;
} {
  const name: string | undefined = given ?? config.currentContext;
  if (!name) throw new Error(`${file} has no current-context; set one with kubectl config use-context`);
  const context = config.getContextObject(name);
  if (context === null) {
    throw new Error(
      given === undefined
        ? `${file}: its current-context ${name} is not among its contexts; set another with kubectl config use-context`
        : `${file} has no context ${given}; kubectl config get-contexts lists those that it has`,
    );
  }
  const cluster = config.getCluster(context.cluster);
  if (cluster === null)
    throw new Error(`${file}: context ${name} names the cluster ${context.cluster}, which is not in the file; add it`);
  const user = config.getUser(context.user);
  if (user === null)
    throw new Error(`${file}: context ${name} names the user ${context.user}, which is not in the file; add it`);
  checkServer(file, cluster);
  if (user.impersonateUser) {
    throw new Error(
      `${file}: user ${user.name} impersonates ${user.impersonateUser}, which is not supported; use that account's own credentials`,
    );
  }
  return {
    context: name,
    namespace: context.namespace || undefined,
    cluster,
    user: runnable(user, path.dirname(file)),
  };
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
  if (cluster.proxyUrl)
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

/** Adds what client-node lacks: a plugin's path relative to the file, and KUBERNETES_EXEC_INFO. */
function runnable(user: User, folder: string): User {
  const exec: unknown = user.exec;
  if (typeof exec !== 'object' || exec === null) return user;
  const command = text(field(exec, 'command')) ?? '';
  const info = { kind: 'ExecCredential', apiVersion: field(exec, 'apiVersion'), spec: { interactive: false } };
  Object.assign(exec, {
    command: command.includes('/') ? path.resolve(folder, command) : command,
    env: [...items(field(exec, 'env')), { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }],
  });
  return user;
}

/** Reads a file's tokenFile, for which the library expects token-file. */
function tokenFileOf(raw: unknown, userName: string): string | undefined {
  const user = items(field(raw, 'users')).find((candidate) => field(candidate, 'name') === userName);
  return text(field(field(user, 'user'), 'tokenFile'));
}

function materialOf(
  file: string,
  cluster: Cluster,
  user: User,
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
      servername: cluster.tlsServerName || undefined,
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
  user: User,
  tokenFile: string | undefined,
  clock: Clock,
  log: TrustLog | undefined,
): KubeconfigContext['credentials'] {
  if (tokenFile !== undefined) {
    const token = watchCredentialFile({
      what: 'the tokenFile',
      path: path.resolve(path.dirname(file), tokenFile),
      remedy: `correct its path in ${file}`,
      clock,
      log,
    });
    return async () => ({ authorization: `Bearer ${token.read()}`, presented: undefined });
  }
  const { exec, authProvider, username, password, token } = user as UserEntries;
  if (exec !== undefined && exec !== null) return explained(createExecPlugin(exec, clock));
  if (authProvider !== undefined && authProvider !== null) {
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

/** client-node leaves these as the file has them. */
interface UserEntries {
  readonly exec?: unknown;
  readonly authProvider?: unknown;
  readonly username?: string;
  readonly password?: string;
  readonly token?: string;
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

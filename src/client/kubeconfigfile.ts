/** Parses a kubeconfig and finds a context in it. It opens no connection and runs no program; only the context's own entries have to be valid. */
import path from 'node:path';
// Not the whole library, whose 870 modules take 0.7 s and 60 MB.
import { type Cluster, newClusters, newUsers, type User } from '@kubernetes/client-node/dist/config_types.js';
import { LineCounter, parseDocument } from 'yaml';
import { field, items, text } from './json.ts';

/** client-node knows no tokenFile. */
export interface KubeconfigUser extends User {
  readonly tokenFile: string | undefined;
}

export interface KubeconfigEntries {
  /** The context's name. */
  readonly name: string;
  /** Undefined where the context names none. */
  readonly namespace: string | undefined;
  readonly cluster: Cluster;
  readonly user: KubeconfigUser;
}

const clusterTexts = [
  'server',
  'certificate-authority-data',
  'certificate-authority',
  'tls-server-name',
  'proxy-url',
] as const;
const userTexts = [
  'token',
  'username',
  'password',
  'client-certificate-data',
  'client-certificate',
  'client-key-data',
  'client-key',
  'as',
] as const;

/**
 * Returns a context with its cluster and its user. Their files are absolute paths, as is an exec plugin's command if it is a path.
 * @param file Names the file in errors. Paths in it are relative to its folder.
 * @param given Default: the current context.
 * @throws Error that names the file, the entry and the remedy. It quotes no credentials.
 */
export function findContext(file: string, content: string, given?: string): KubeconfigEntries {
  const config = parseFile(file, content);
  const name = given ?? textIn(config, 'current-context', file);
  if (name === undefined) throw new Error(`${file} has no current-context; set one with kubectl config use-context`);
  const context = entryOf(config, 'contexts', name);
  if (context === undefined) {
    throw new Error(
      given === undefined
        ? `${file}: its current-context ${name} is not among its contexts; set another with kubectl config use-context`
        : `${file} has no context ${given}; kubectl config get-contexts lists those that it has`,
    );
  }
  const values = field(context, 'context');
  const owner = `${file}: context ${name}`;
  const find = (list: 'clusters' | 'users', kind: 'cluster' | 'user'): readonly [string, unknown] => {
    const wanted = textIn(values, kind, owner);
    if (wanted === undefined) throw new Error(`${owner} names no ${kind}; set one with kubectl config set-context`);
    const entry = entryOf(config, list, wanted);
    if (entry === undefined) throw new Error(`${owner} names the ${kind} ${wanted}, which is not in the file; add it`);
    return [wanted, field(entry, kind)];
  };
  return {
    name,
    namespace: textIn(values, 'namespace', owner),
    cluster: toCluster(file, ...find('clusters', 'cluster')),
    user: toUser(file, ...find('users', 'user')),
  };
}

/** @throws Error without a word of the file in it, which may be a part of a secret. */
function parseFile(file: string, content: string): unknown {
  const lines = new LineCounter();
  const wrong = (cause: unknown) =>
    new Error(`${file} is not a kubeconfig; compare it with the output of kubectl config view`, { cause });
  let config: unknown;
  try {
    const document = parseDocument(content, {
      merge: true,
      prettyErrors: false,
      logLevel: 'error',
      lineCounter: lines,
    });
    const [error] = document.errors;
    if (error !== undefined) throw new Error(`line ${lines.linePos(error.pos[0]).line}: YAML error ${error.code}`);
    config = document.toJS();
  } catch (cause) {
    throw wrong(cause);
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) throw wrong(undefined);
  return config;
}

/** Returns the first entry of the name. */
function entryOf(config: unknown, list: string, name: string): unknown {
  return items(field(config, list)).find((entry) => field(entry, 'name') === name);
}

function toCluster(file: string, name: string, values: unknown): Cluster {
  const owner = `${file}: cluster ${name}`;
  const texts = textsIn(values, clusterTexts, owner);
  const skipsVerification = field(values, 'insecure-skip-tls-verify');
  if (texts.server === undefined) throw new Error(`${owner} has no server; set one with kubectl config set-cluster`);
  const [cluster] = newClusters([{ name, cluster: { ...texts, 'insecure-skip-tls-verify': skipsVerification } }]);
  if (cluster === undefined) throw new Error(`${owner} cannot be read; correct it`);
  if (cluster.caFile !== undefined) cluster.caFile = absolutePath(file, cluster.caFile);
  return cluster;
}

function toUser(file: string, name: string, values: unknown): KubeconfigUser {
  const owner = `${file}: user ${name}`;
  const tokenFile = textIn(values, 'tokenFile', owner);
  const exec = runnable(field(values, 'exec') ?? undefined, path.dirname(file));
  const authProvider = field(values, 'auth-provider') ?? undefined;
  const [user] = newUsers([
    { name, user: { ...textsIn(values, userTexts, owner), exec, 'auth-provider': authProvider } },
  ]);
  if (user === undefined) throw new Error(`${owner} cannot be read; correct it`);
  if (user.certFile !== undefined) user.certFile = absolutePath(file, user.certFile);
  if (user.keyFile !== undefined) user.keyFile = absolutePath(file, user.keyFile);
  return { ...user, tokenFile: tokenFile === undefined ? undefined : absolutePath(file, tokenFile) };
}

const absolutePath = (file: string, given: string) => path.resolve(path.dirname(file), given);

/** Resolves a plugin's path, and adds KUBERNETES_EXEC_INFO. */
function runnable(exec: unknown, folder: string): unknown {
  if (typeof exec !== 'object' || exec === null) return exec;
  const command = text(field(exec, 'command')) ?? '';
  const info = { kind: 'ExecCredential', apiVersion: field(exec, 'apiVersion'), spec: { interactive: false } };
  return {
    ...exec,
    command: command.includes('/') ? path.resolve(folder, command) : command,
    env: [...items(field(exec, 'env')), { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }],
  };
}

/** Returns undefined for what is absent or empty. @throws Error for anything but text, such as a token of digits without quotes; kubectl refuses it, too. */
function textIn(values: unknown, key: string, owner: string): string | undefined {
  const value = field(values, key) ?? undefined;
  if (value !== undefined && typeof value !== 'string')
    throw new Error(`${owner}: its ${key} is not text; write it in quotes`);
  return value || undefined;
}

/** @throws as textIn. */
function textsIn<Key extends string>(
  values: unknown,
  keys: readonly Key[],
  owner: string,
): Partial<Record<Key, string>> {
  const found: Partial<Record<Key, string>> = {};
  for (const key of keys) found[key] = textIn(values, key, owner);
  return found;
}

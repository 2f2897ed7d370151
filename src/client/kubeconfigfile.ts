/** Parses a kubeconfig and finds a context in it. It opens no connection and runs no program; only the context's own entries have to be valid. */
import path from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { field, items, text } from './json.ts';

export interface KubeconfigCluster {
  readonly name: string;
  readonly server: string;
  /** In base64; preferred to the file. */
  readonly caData: string | undefined;
  /** This and other files are absolute paths. */
  readonly caFile: string | undefined;
  readonly skipTLSVerify: boolean;
  readonly tlsServerName: string | undefined;
  readonly proxyUrl: string | undefined;
}

export interface KubeconfigUser {
  readonly name: string;
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly certData: string | undefined;
  readonly certFile: string | undefined;
  readonly keyData: string | undefined;
  readonly keyFile: string | undefined;
  readonly impersonates: string | undefined;
  /** As the file has it; its command is absolute if it is a path. */
  readonly exec: unknown;
  /** As the file has it. */
  readonly authProvider: unknown;
}

export interface KubeconfigEntries {
  /** Of the context. */
  readonly name: string;
  /** Undefined where the context names none. */
  readonly namespace: string | undefined;
  readonly cluster: KubeconfigCluster;
  readonly user: KubeconfigUser;
}

/**
 * Returns a context with its cluster and its user.
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

function toCluster(file: string, name: string, values: unknown): KubeconfigCluster {
  const owner = `${file}: cluster ${name}`;
  const server = textIn(values, 'server', owner);
  if (server === undefined) throw new Error(`${owner} has no server; set one with kubectl config set-cluster`);
  return {
    name,
    server,
    caData: textIn(values, 'certificate-authority-data', owner),
    caFile: pathIn(values, 'certificate-authority', owner, file),
    skipTLSVerify: field(values, 'insecure-skip-tls-verify') === true,
    tlsServerName: textIn(values, 'tls-server-name', owner),
    proxyUrl: textIn(values, 'proxy-url', owner),
  };
}

function toUser(file: string, name: string, values: unknown): KubeconfigUser {
  const owner = `${file}: user ${name}`;
  const own = (key: string) => textIn(values, key, owner);
  return {
    name,
    token: own('token'),
    tokenFile: pathIn(values, 'tokenFile', owner, file),
    username: own('username'),
    password: own('password'),
    certData: own('client-certificate-data'),
    certFile: pathIn(values, 'client-certificate', owner, file),
    keyData: own('client-key-data'),
    keyFile: pathIn(values, 'client-key', owner, file),
    impersonates: own('as'),
    exec: runnable(field(values, 'exec') ?? undefined, path.dirname(file)),
    authProvider: field(values, 'auth-provider') ?? undefined,
  };
}

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

function pathIn(values: unknown, key: string, owner: string, file: string): string | undefined {
  const given = textIn(values, key, owner);
  return given === undefined ? undefined : path.resolve(path.dirname(file), given);
}

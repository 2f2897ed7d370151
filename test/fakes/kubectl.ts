/** Runs shell commands whose kubectl writes into the fake API server: a real shell reads them, so quotes and here-documents count. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { FakeApiServer } from './apiserver.ts';
import { applyJsonPatch } from './jsonpatch.ts';
import { type Kind, type KubeObject, kinds } from './kubeobjects.ts';

/** Writes its arguments and its standard input into files; the names count up. */
const script = `#!/bin/sh
count=$(ls "$KUBECTL_CALLS" | grep -c arguments)
printf '%s\\0' "$@" > "$KUBECTL_CALLS/$count.arguments"
for word; do if [ "$word" = - ] || [ "$word" = --patch-file=/dev/stdin ]; then cat > "$KUBECTL_CALLS/$count.input"; fi; done
`;

/** Runs the commands in a shell and does to the fake's objects what kubectl would. @throws Error for a command that fails or is unknown. */
export async function runCommands(server: FakeApiServer, commands: string): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-kubectl-'));
  try {
    const bin = mkdtempSync(path.join(folder, 'bin-'));
    const calls = mkdtempSync(path.join(folder, 'calls-'));
    writeFileSync(path.join(bin, 'kubectl'), script);
    chmodSync(path.join(bin, 'kubectl'), 0o755);
    const env = { PATH: `${bin}:/usr/bin:/bin`, KUBECTL_CALLS: calls };
    const shell = spawn('/bin/sh', ['-ec', commands], { env, stdio: ['ignore', 'inherit', 'inherit'] });
    const [code] = (await once(shell, 'close')) as [number | null];
    if (code !== 0) throw new Error(`the shell ended with ${code}: ${commands}`);
    const count = readdirSync(calls).filter((name) => name.endsWith('.arguments')).length;
    for (let call = 0; call < count; call += 1) {
      const words = readFileSync(path.join(calls, `${call}.arguments`), 'utf8')
        .split('\0')
        .slice(0, -1);
      const isPiped = words.includes('-') || words.includes('--patch-file=/dev/stdin');
      const input = isPiped ? readFileSync(path.join(calls, `${call}.input`), 'utf8') : '';
      obey(server, words, input);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Call {
  readonly words: readonly string[];
  readonly flags: ReadonlyMap<string, string>;
}

/** Flags whose value is the next word. */
const valued = new Set([
  '-n',
  '-p',
  '-f',
  '--namespace',
  '--patch',
  '--type',
  '--filename',
  '--replicas',
  '--selector',
]);

function readCall(argv: readonly string[]): Call {
  const words: string[] = [];
  const flags = new Map<string, string>();
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    const [name = '', ...value] = word.split('=');
    if (!word.startsWith('-')) words.push(word);
    else if (valued.has(word)) flags.set(word, argv[(index += 1)] ?? '');
    else flags.set(name, value.join('='));
  }
  return { words, flags };
}

function obey(server: FakeApiServer, argv: readonly string[], input: string): void {
  const { words, flags } = readCall(argv);
  const namespace = flags.get('--namespace') ?? flags.get('-n');
  const [verb = '', ...rest] = words;
  if (verb === 'get' || verb === 'logs' || verb === 'describe') return;
  if (verb === 'apply' || (verb === 'auth' && rest[0] === 'reconcile')) {
    for (const document of parseAllDocuments(input)) apply(server, document.toJS() as KubeObject, verb === 'auth');
    return;
  }
  if (verb === 'certificate') {
    for (const request of rest.slice(1)) approve(server, request);
    return;
  }
  if (verb === 'create') {
    create(server, rest, flags);
    return;
  }
  // The fake has no controllers: what a restart changes is nothing that a check reads.
  const [first = '', ...others] = verb === 'rollout' ? rest.slice(1) : rest;
  const [resource = '', ...names] = [...first.split('/'), ...others];
  const kind = kindOf(resource);
  const [name = '', ...more] = names;
  if (verb === 'delete') {
    for (const each of names) server.objects.delete(kind, each, namespace);
    return;
  }
  const object = server.objects.get(kind, name, namespace);
  if (object === undefined)
    throw new Error(`${resource} ${namespace ?? ''}/${name} not found: kubectl ${argv.join(' ')}`);
  if (verb === 'rollout') return;
  if (verb === 'patch') {
    const patch = flags.get('-p') ?? flags.get('--patch') ?? input;
    const isJson = flags.get('--type') === 'json';
    server.objects.set(
      (isJson ? applyJsonPatch(object, patch) : mergePatched(object, JSON.parse(patch))) as KubeObject,
    );
  } else if (verb === 'scale') {
    server.objects.set(mergePatched(object, { spec: { replicas: Number(flags.get('--replicas')) } }) as KubeObject);
  } else if (verb === 'annotate' || verb === 'label') {
    const changes = more.map((word) => (word.endsWith('-') ? [word.slice(0, -1), null] : word.split('=')));
    const member = verb === 'label' ? 'labels' : 'annotations';
    server.objects.set(mergePatched(object, { metadata: { [member]: Object.fromEntries(changes) } }) as KubeObject);
  } else throw new Error(`the fake does not know kubectl ${argv.join(' ')}`);
}

function approve(server: FakeApiServer, name: string): void {
  const request = server.objects.get('CertificateSigningRequest', name);
  if (request === undefined) throw new Error(`certificatesigningrequest ${name} not found`);
  server.objects.set({ ...request, status: { conditions: [{ type: 'Approved', status: 'True' }] } });
}

/** Cluster roles and their bindings. */
function create(
  server: FakeApiServer,
  [resource = '', name = '']: readonly string[],
  flags: ReadonlyMap<string, string>,
): void {
  const kind = kindOf(resource);
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const [namespace, account] = (flags.get('--serviceaccount') ?? '').split(':');
  const content =
    kind === 'ClusterRole'
      ? { rules: [{ verbs: [flags.get('--verb')], resources: [flags.get('--resource')] }] }
      : {
          roleRef: { kind: 'ClusterRole', name: flags.get('--clusterrole') },
          subjects: [{ kind: 'ServiceAccount', namespace, name: account }],
        };
  server.objects.set({ kind, apiVersion, metadata: { name }, ...content });
}

/** @param adds whether rules and subjects are added to those that are there, as by `kubectl auth reconcile`. */
function apply(server: FakeApiServer, object: KubeObject, adds: boolean): void {
  if (object.kind === ('List' as string)) {
    for (const item of (object as unknown as { items: KubeObject[] }).items) apply(server, item, adds);
    return;
  }
  const known = server.objects.get(object.kind, object.metadata.name, object.metadata.namespace);
  // The roleRef of a binding cannot be changed: `kubectl auth reconcile` deletes the binding, and creates the given one.
  if (known === undefined || (adds && roleRefOf(known) !== roleRefOf(object))) {
    server.objects.set(object);
    return;
  }
  const next: Record<string, unknown> = { ...(mergePatched(known, object) as KubeObject) };
  for (const key of ['rules', 'subjects'].filter((name) => adds && Object.hasOwn(object, name))) {
    next[key] = [...((known[key] as unknown[] | undefined) ?? []), ...(object[key] as unknown[])];
  }
  server.objects.set(next as KubeObject);
}

function roleRefOf({ roleRef }: KubeObject & { readonly roleRef?: { kind: string; name: string } }): string {
  return roleRef === undefined ? '' : `${roleRef.kind} ${roleRef.name}`;
}

function kindOf(resource: string): Kind {
  const found = (Object.keys(kinds) as Kind[]).find(
    (kind) => kinds[kind] === resource || kind.toLowerCase() === resource,
  );
  if (found === undefined) throw new Error(`the fake does not know the resource ${resource}`);
  return found;
}

/** Returns a patched copy by RFC 7386: null removes a member. */
export function mergePatched(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatched(result[key], value);
  }
  return result;
}

/** etcd and kube-apiserver on loopback, without root, and the administrator's access to them. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { readSettings } from '../cluster/settings.ts';
import { build, type Module } from '../cluster/toolchain.ts';
import { GiveUp, waitFor } from '../cluster/wait.ts';
import { freePort } from '../fakes/wholecluster.ts';
import { type Program, startChild } from './children.ts';
import type { Credentials } from './credentials.ts';

export interface ControlPlane extends AsyncDisposable {
  readonly url: string;
  /** Where kube-apiserver writes each TokenReview and SubjectAccessReview that it was sent. */
  readonly auditLog: string;
  /** Asks as the administrator. @throws Error with the answer unless that is 2xx. */
  call(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', target: string, body?: unknown): Promise<unknown>;
  /** Reads a path as the administrator who acts as this user. Returns the status. */
  statusAs(user: string, groups: readonly string[], target: string): Promise<number>;
  /** Stops kube-apiserver and starts it again, after so many milliseconds; resolves when it is ready. */
  restart(awayMs?: number): Promise<void>;
}

const startTimeoutMs = 180_000;

/**
 * Resolves when kube-apiserver, which the module has, is ready. Builds the binaries first if the cluster's toolchain cache lacks them.
 */
export async function startControlPlane(
  folder: string,
  credentials: Credentials,
  module: Module = 'kubernetes',
): Promise<ControlPlane> {
  await using started = new AsyncDisposableStack();
  const etcdBinaries = await build(readSettings(), 'kubernetes');
  const binaries = await build(readSettings(), module);
  const [etcdPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const etcd = startChild(folder, {
    name: 'etcd',
    // The Go tool is named after the last folder of its package, go.etcd.io/etcd/server.
    command: path.join(etcdBinaries, 'server'),
    args: [
      `--data-dir=${path.join(folder, 'etcd')}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
      '--unsafe-no-fsync',
    ],
  });
  started.defer(() => etcd.stop());

  const auditLog = path.join(folder, 'audit.log');
  writeFileSync(path.join(folder, 'audit-policy.json'), JSON.stringify(auditPolicy));
  const apiServerProgram: Program = {
    name: 'kube-apiserver',
    command: path.join(binaries, 'kube-apiserver'),
    args: [
      `--etcd-servers=${etcdUrl}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      '--service-cluster-ip-range=10.0.0.0/24',
      '--authorization-mode=RBAC',
      // Pods here are nothing but objects.
      '--disable-admission-plugins=ServiceAccount',
      `--client-ca-file=${credentials.file('ca.crt')}`,
      `--tls-cert-file=${credentials.file('serving.crt')}`,
      `--tls-private-key-file=${credentials.file('serving.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${credentials.file('sa.pub')}`,
      `--service-account-signing-key-file=${credentials.file('sa.key')}`,
      `--requestheader-client-ca-file=${credentials.file('front-proxy-ca.crt')}`,
      '--requestheader-allowed-names=front-proxy-client',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      `--proxy-client-cert-file=${credentials.file('front-proxy.crt')}`,
      `--proxy-client-key-file=${credentials.file('front-proxy.key')}`,
      `--audit-policy-file=${path.join(folder, 'audit-policy.json')}`,
      `--audit-log-path=${auditLog}`,
    ],
  };
  let apiServer = startChild(folder, apiServerProgram);
  started.defer(() => apiServer.stop());

  const { cert, key } = credentials.certificates.administrator;
  // Over HTTP/2 undici makes one line of many headers of one name.
  const agent = started.adopt(
    new Agent({ allowH2: false, connect: { ca: credentials.clients.cert, cert, key } }),
    (open) => open.destroy(),
  );
  const url = `https://127.0.0.1:${port}`;
  const call: ControlPlane['call'] = async (method, target, body) => {
    const answer = await request(url + target, {
      dispatcher: agent,
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' },
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${target}: ${answer.statusCode} ${text}`);
    return target.startsWith('/readyz') ? text : JSON.parse(text);
  };
  const statusAs: ControlPlane['statusAs'] = async (user, groups, target) => {
    const asGroups = groups.flatMap((group) => ['Impersonate-Group', group]);
    const headers = ['Impersonate-User', user, ...asGroups];
    const answer = await request(url + target, { dispatcher: agent, headers });
    await answer.body.dump();
    return answer.statusCode;
  };
  const ready = async () => {
    for (const child of [etcd, apiServer]) if (!child.running()) throw new GiveUp(child.lastLog());
    return (await call('GET', '/readyz')) === 'ok';
  };
  const untilReady = () => waitFor('kube-apiserver to be ready', ready, startTimeoutMs);
  await untilReady();
  const restart = async (awayMs = 0) => {
    await apiServer.stop();
    await sleep(awayMs);
    apiServer = startChild(folder, apiServerProgram);
    await untilReady();
  };
  const owned = started.move();
  return { url, auditLog, call, statusAs, restart, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    {
      level: 'RequestResponse',
      resources: [
        { group: 'authentication.k8s.io', resources: ['tokenreviews'] },
        { group: 'authorization.k8s.io', resources: ['subjectaccessreviews'] },
      ],
    },
    { level: 'None' },
  ],
};

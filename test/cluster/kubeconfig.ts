/** Writes the kubeconfigs of the components and of the administrator, with everything in them. */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { apiServerUrl, pkiFile, type Settings } from './settings.ts';

/** Those that talk to kube-apiserver, by the name of their certificate. */
const users = ['admin', 'controller-manager', 'scheduler', 'kubelet'] as const;

export const kubeconfigFile = (settings: Settings, user: (typeof users)[number]): string =>
  path.join(settings.runFolder, 'kubeconfigs', `${user}.json`);

/** Needs the certificates of writePki. JSON is YAML, so every client reads it. */
export async function writeKubeconfigs(settings: Settings): Promise<void> {
  await mkdir(path.join(settings.runFolder, 'kubeconfigs'), { recursive: true, mode: 0o700 });
  for (const user of users) {
    await writeFile(kubeconfigFile(settings, user), JSON.stringify(kubeconfig(settings, user), undefined, 2), {
      mode: 0o600,
    });
  }
}

function kubeconfig(settings: Settings, user: string): unknown {
  const base64 = (file: string) => readFileSync(pkiFile(settings, file)).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'kubegauge',
        cluster: { server: apiServerUrl(settings), 'certificate-authority-data': base64('ca.crt') },
      },
    ],
    users: [
      {
        name: user,
        user: { 'client-certificate-data': base64(`${user}.crt`), 'client-key-data': base64(`${user}.key`) },
      },
    ],
    contexts: [{ name: 'kubegauge', context: { cluster: 'kubegauge', user } }],
    'current-context': 'kubegauge',
  };
}

/**
 * Lists metrics at a fixed interval over one kept connection and prints one JSON line per request. A process of its own
 * in the cluster's network. Environment: URL, PATHS (separated by spaces, taken in turn), TOKEN, CA (file), EVERY_MS.
 */
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Listed } from './lister.ts';

const { URL: url = '', PATHS = '', TOKEN: token = '', CA: caFile = '', EVERY_MS: everyMs = '' } = process.env;
const paths = PATHS.split(' ');
const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: readFileSync(caFile) });
/** Longer than kube-apiserver's own timeouts for endpoints that do not answer. */
const timeoutMs = 60_000;

for (let number = 0; ; number += 1) {
  const atMs = Date.now();
  const path = paths[number % paths.length] ?? '';
  process.stdout.write(`${JSON.stringify({ atMs, path, ...(await list(path)), tookMs: Date.now() - atMs })}\n`);
  await sleep(Math.max(0, atMs + Number(everyMs) - Date.now()));
}

function list(path: string): Promise<Pick<Listed, 'status' | 'problem' | 'timestamps'>> {
  return new Promise((resolve) => {
    const fail = (error: Error) => resolve({ status: 0, problem: error.message, timestamps: {} });
    const headers = { authorization: `Bearer ${token}` };
    const request = https.get(`${url}${path}`, { agent, headers, timeout: timeoutMs }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.once('error', fail);
      response.once('end', () => {
        const status = response.statusCode ?? 0;
        if (status === 200) resolve({ status, timestamps: timestampsIn(body) });
        else resolve({ status, problem: body.slice(0, 500), timestamps: {} });
      });
    });
    request.once('timeout', () => request.destroy(new Error('no answer in time')));
    request.once('error', fail);
  });
}

/** Lists of metrics.k8s.io, custom.metrics.k8s.io or external.metrics.k8s.io. */
function timestampsIn(body: string): Record<string, string> {
  const { items } = JSON.parse(body) as { items: Item[] };
  return Object.fromEntries(
    items.map(({ metadata, describedObject, metricName = '', timestamp }) => [
      (metadata ?? describedObject)?.name ?? metricName,
      timestamp,
    ]),
  );
}

interface Item {
  readonly metadata?: { readonly name: string };
  readonly describedObject?: { readonly name: string };
  readonly metricName?: string;
  readonly timestamp: string;
}

/** Reads GET /status of the server on this machine, which it finds by the server's flags. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Agent, request } from 'undici';
import { foreignText } from '../foreigntext.ts';
import type { Options } from '../options/flags.ts';
import { certificateFile } from '../tls/certdir.ts';
import { onlyThis } from '../tls/expectedpeer.ts';
import type { ApiServer } from './apiserver.ts';

const timeoutMs = 10_000;

export type LocalServerFlags = Pick<Options, 'tls-cert-file' | 'cert-dir' | 'bind-address' | 'secure-port'>;

/**
 * Returns the report.
 * @param names of nodes; none for all.
 * @throws Error with a remedy: no certificate file, no response, or a status but 200.
 */
export async function readLocalStatus(
  options: LocalServerFlags,
  apiServer: ApiServer,
  names: readonly string[],
): Promise<unknown> {
  const file = options['tls-cert-file'] ?? ownCertificate(options['cert-dir']);
  const ca = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`cannot read the server's certificate ${file}; ${sameFlags}`, { cause });
  });
  const authorization = await apiServer.authorization();
  const { cert, key } = apiServer.tls();
  const connect = {
    ca,
    allowPartialTrustChain: true,
    checkServerIdentity: onlyThis(new X509Certificate(ca)),
    timeout: timeoutMs,
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
  const agent = new Agent({ connect, headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
  try {
    const query = new URLSearchParams(names.map((name): [string, string] => ['node', name]));
    const url = `https://${hostOf(options['bind-address'])}:${options['secure-port']}/status${names.length === 0 ? '' : `?${query.toString()}`}`;
    const headers = authorization === undefined ? {} : { authorization };
    const response = await request(url, { dispatcher: agent, headers }).catch((cause: unknown) => {
      throw new Error(`the server does not answer at ${url}; does it run? ${sameFlags}`, { cause });
    });
    const text = await response.body.text();
    if (response.statusCode !== 200) throw new Error(refusal(response.statusCode, text));
    return JSON.parse(text);
  } finally {
    await agent.destroy();
  }
}

const sameFlags = 'give status the flags of the server, --cert-dir and --secure-port above all';

function ownCertificate(certDir: string): string {
  if (certDir === '') throw new Error('with --cert-dir= the certificate is in memory only, and cannot be verified');
  return path.join(certDir, certificateFile);
}

function hostOf(bindAddress: string): string {
  if (bindAddress === '0.0.0.0' || bindAddress === '::') return '127.0.0.1';
  return bindAddress.includes(':') ? `[${bindAddress}]` : bindAddress;
}

function refusal(status: number, text: string): string {
  const remedy =
    status === 403
      ? "; the user needs the right to get the non-resource URL /status, as in the manifests' ClusterRole"
      : '';
  return `the server answers ${status}: ${foreignText(text.trim())}${remedy}`;
}

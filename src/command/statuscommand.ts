/** `kubegauge status`: asks the server that runs beside it, with the same flags, and prints what it tells for people. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { PeerCertificate } from 'node:tls';
import { Agent, request } from 'undici';
import type { ApiServer } from '../client/apiserver.ts';
import { foreignText } from '../foreigntext.ts';
import type { Options } from '../options/flags.ts';
import type { StatusReport } from '../server/statuspage.ts';
import { statusText } from './statustable.ts';

/** A server that is stuck is a finding, too. */
const timeoutMs = 10_000;

/**
 * Prints the report of the server at --secure-port on this machine.
 * @param names of the nodes to tell of; none for all.
 * @throws Error that says what to do when there is no answer, or one that is not 200, or when it lacks a node that was named.
 */
export async function printStatus(options: Options, apiServer: ApiServer, names: readonly string[]): Promise<void> {
  const certificateFile = options['tls-cert-file'] ?? ownCertificate(options['cert-dir']);
  const ca = await readFile(certificateFile, 'utf8').catch((cause: unknown) => {
    throw new Error(`cannot read the server's certificate ${certificateFile}; ${sameFlags}`, { cause });
  });
  // An exec plugin may bring a certificate with the token.
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
    const url = `https://${hostOf(options['bind-address'])}:${options['secure-port']}/status?${query.toString()}`;
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await request(url, { dispatcher: agent, headers }).catch((cause: unknown) => {
      throw new Error(`the server does not answer at ${url}; does it run? ${sameFlags}`, { cause });
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(refusal(answer.statusCode, text));
    const report = JSON.parse(text) as StatusReport;
    process.stdout.write(statusText(report));
    const missing = names.filter((name) => !report.nodes.some((node) => node.name === name));
    if (missing.length > 0) throw new Error(`not scraped: ${missing.join(', ')}; ${unknownNode}`);
  } finally {
    await agent.destroy();
  }
}

/** Credentials go to nobody but the server that has this certificate, whatever names are in it, and whoever signed others. */
function onlyThis(certificate: X509Certificate): (host: string, peer: PeerCertificate) => Error | undefined {
  return (_host, { fingerprint256 }) =>
    fingerprint256 === certificate.fingerprint256
      ? undefined
      : new Error('whoever answers there has another certificate than the server');
}

const unknownNode = 'there is no such Node, or --node-selector leaves it out';
const sameFlags = 'give status the flags of the server, --cert-dir and --secure-port above all';

function ownCertificate(certDir: string): string {
  if (certDir === '') throw new Error('with --cert-dir= the certificate is in memory only, and nobody can verify it');
  return path.join(certDir, 'kubegauge.crt');
}

function hostOf(bindAddress: string): string {
  if (bindAddress === '0.0.0.0' || bindAddress === '::') return '127.0.0.1';
  return bindAddress.includes(':') ? `[${bindAddress}]` : bindAddress;
}

function refusal(status: number, text: string): string {
  const remedy =
    status === 403
      ? "; give who asks the right to get the non-resource URL /status, as the manifests' ClusterRole does"
      : '';
  return `the server answers ${status}: ${foreignText(text.trim())}${remedy}`;
}

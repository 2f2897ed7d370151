/** Requests with curl from inside the cluster's network, as people make them. */
import type { Cluster } from '../cluster.ts';

export interface Asking {
  readonly token?: string;
  /** File with the CA of the answering server. Without it the certificate is not verified. */
  readonly ca?: string;
  readonly timeoutMs?: number;
}

export interface Reply {
  readonly status: number;
  readonly body: string;
}

/** Any status is a reply; no connection or no answer in time (5 s) rejects. */
export async function ask(
  cluster: Cluster,
  url: string,
  { token, ca, timeoutMs = 5_000 }: Asking = {},
): Promise<Reply> {
  const output = await cluster.runInNamespace('curl', [
    '--silent',
    '--show-error',
    `--max-time`,
    String(timeoutMs / 1000),
    ...(ca === undefined ? ['--insecure'] : ['--cacert', ca]),
    ...(token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`]),
    '--write-out',
    '\n%{http_code}',
    url,
  ]);
  const end = output.lastIndexOf('\n');
  return { status: Number(output.slice(end + 1)), body: output.slice(0, end) };
}

/** Requests with curl from inside the cluster's network, as people make them. */
import type { Cluster } from '../cluster.ts';

export interface Asking {
  readonly token?: string;
  /** File with the CA of the answering server. Without it the certificate is not verified. */
  readonly ca?: string;
  /** Instead of a token. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Whole lines, beside those that the others need. */
  readonly headers?: readonly string[];
  readonly timeoutMs?: number;
}

export interface Reply {
  readonly status: number;
  readonly body: string;
}

/** Any status is a reply; no connection or no answer in time (20 s, for a busy machine) rejects. */
export async function ask(
  cluster: Cluster,
  url: string,
  { token, ca, certificate, headers = [], timeoutMs = 20_000 }: Asking = {},
): Promise<Reply> {
  const output = await cluster.runInNamespace('curl', [
    '--silent',
    '--show-error',
    `--max-time`,
    String(timeoutMs / 1000),
    ...(ca === undefined ? ['--insecure'] : ['--cacert', ca]),
    ...(token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`]),
    ...(certificate === undefined ? [] : ['--cert', certificate.cert, '--key', certificate.key]),
    ...headers.flatMap((line) => ['--header', line]),
    '--write-out',
    '\n%{http_code}',
    url,
  ]);
  const end = output.lastIndexOf('\n');
  return { status: Number(output.slice(end + 1)), body: output.slice(0, end) };
}

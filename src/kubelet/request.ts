/** A request to one kubelet, whichever client and connection carries it. */
import type { OnBody } from './http/body.ts';

export interface KubeletRequest {
  readonly node: string;
  /** Name or address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly accept: string;
  readonly gzip: boolean;
  /** Other addresses to try, which need some of the time. */
  readonly alternatives: number;
  /** Without a reader the response has the body. An error closes the connection and rejects the request. */
  readonly onBody?: OnBody;
}

/** Returns host and port as in a URL. */
export function authority({ host, port }: Pick<KubeletRequest, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

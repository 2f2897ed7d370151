/** A request to one kubelet, whichever client and connection carries it. */
import type { OnBody } from './http/body.ts';

export interface KubeletRequest {
  readonly node: string;
  /** Name or address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** With its query. */
  readonly path: string;
  readonly accept: string;
  /** Whether to request a compressed body. */
  readonly gzip: boolean;
  /** How many other addresses the caller may try: this one has to leave them some of the time. */
  readonly alternatives: number;
  /**
   * Chooses who reads the body while it arrives. Without a reader the response has it. What this or the reader throws closes the connection, and the request rejects
   * with it.
   */
  readonly onBody?: OnBody;
}

/** Returns host and port as in a URL. */
export function authority({ host, port }: Pick<KubeletRequest, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

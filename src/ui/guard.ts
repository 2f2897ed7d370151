/** Decides which requests come from our own page or from the link: no other site's page may reach the server through the browser. */
import type { IncomingHttpHeaders } from 'node:http';
import { urlLimitBytes } from './limits.ts';
import { RequestError } from './requesterror.ts';

export interface GuardedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export interface Guard {
  /** Of the server. */
  readonly port: number;
  /** The path of the session, `/<name>/`. */
  readonly base: string;
}

/** @throws RequestError 403, 405 or 414. */
export function checkRequest({ method, url, headers }: GuardedRequest, { port, base }: Guard): void {
  if (url.length > urlLimitBytes) throw new RequestError(414, `the URL is longer than ${urlLimitBytes} bytes`);
  if (method !== 'GET' && method !== 'HEAD') throw new RequestError(405, 'this server only reads: GET and HEAD');
  const authority = `127.0.0.1:${port}`;
  // A foreign name that resolves to 127.0.0.1 (DNS rebinding) makes a foreign page one of the same origin.
  if (headers.host !== authority && !(port === 80 && headers.host === '127.0.0.1'))
    throw new RequestError(403, 'this is no address of this server', `open http://${authority} by the printed link`);
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${authority}`) throw foreign();
  if (!isOwnSite(headers) && !(isLink(url, base) && isNavigation(headers))) throw foreign();
}

/** Reports whether the URL is a link with a token. */
export function isLink(url: string, base: string): boolean {
  return url.startsWith(`${base}?token=`);
}

function foreign(): RequestError {
  return new RequestError(403, 'pages of other sites may not read from this server');
}

/** Browsers send it since 2023; other programs do not. `same-site` is another port of 127.0.0.1, which is another program. */
function isOwnSite(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin' || site === 'none';
}

/** The link may be on a page, as of a web mail or a cloud shell; in a frame it may not. */
function isNavigation(headers: IncomingHttpHeaders): boolean {
  return headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
}

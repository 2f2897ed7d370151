/** Links that open once, and the sessions of browsers that opened one. */
import { createHash, randomBytes } from 'node:crypto';
import { sessionLimit, usedLinkLimit } from './limits.ts';

/** 128 bits each. Base64url: 22 characters. */
const secretBytes = 16;
/** 48 bits: a foreign page could try some thousand paths per second. */
const baseBytes = 6;
const cookieName = 'kubegauge';

export type LinkExchange =
  /** `setCookie`: undefined where the browser has a session, which is the link's from now on. */
  | { readonly kind: 'opened'; readonly setCookie: string | undefined }
  /** The link was used before. Unless its own session uses it again, that has ended: one of both users is a stranger. `endedNow`: by this use. */
  | { readonly kind: 'used'; readonly endedNow: boolean }
  | { readonly kind: 'unknown' };

export class Sessions {
  /** The path of the page, `/<name>/`. It is the cookie's path: browsers send cookies to all ports of 127.0.0.1, but not to other paths. */
  readonly base = `/${randomBytes(baseBytes).toString('base64url')}/`;
  /** Digest of the unused token. */
  #unused: string | undefined;
  /** By digest of its token, the digest of the session's cookie. Oldest first. */
  readonly #used = new Map<string, string>();
  /** Digests of cookies, oldest first. */
  readonly #open = new Set<string>();

  /** Returns the path and query of a new link. The previous one, if unused, opens nothing any more. */
  newLink(): string {
    const token = newSecret();
    this.#unused = digest(token);
    return `${this.base}?token=${token}`;
  }

  /** Uses the link up, also for a browser that has a session: others may have read the link. @param header the request's cookies. */
  exchange(token: string, header: string | undefined): LinkExchange {
    const key = digest(token);
    const own = this.#sessionOf(header);
    const session = this.#used.get(key);
    if (session !== undefined) return { kind: 'used', endedNow: session !== own && this.#open.delete(session) };
    if (key !== this.#unused) return { kind: 'unknown' };
    this.#unused = undefined;
    const cookie = newSecret();
    const opened = own ?? digest(cookie);
    addBounded(this.#open, opened, sessionLimit);
    this.#used.set(key, opened);
    const [oldest] = this.#used.keys();
    if (this.#used.size > usedLinkLimit && oldest !== undefined) this.#used.delete(oldest);
    // Without Secure, since it is http://; without Max-Age it ends with the browser.
    const setCookie = `${cookieName}=${cookie}; Path=${this.base}; HttpOnly; SameSite=Strict`;
    return { kind: 'opened', setCookie: own === undefined ? setCookie : undefined };
  }

  /** @param header of the request, with any number of cookies. */
  isOpen(header: string | undefined): boolean {
    return this.#sessionOf(header) !== undefined;
  }

  /** Returns the digest of the cookie of an open session. */
  #sessionOf(header: string | undefined): string | undefined {
    for (const pair of (header ?? '').split(';')) {
      const [name, value] = pair.trim().split('=', 2);
      const key = name === cookieName && value !== undefined ? digest(value) : '';
      if (this.#open.has(key)) return key;
    }
    return undefined;
  }
}

function newSecret(): string {
  return randomBytes(secretBytes).toString('base64url');
}

/** Secrets are compared by their digests: the time of a comparison says nothing about them. */
function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

function addBounded(set: Set<string>, value: string, limit: number): void {
  set.add(value);
  const [oldest] = set;
  if (set.size > limit && oldest !== undefined) set.delete(oldest);
}

/**
 * Bounds what clients make the server hold: open connections, and bytes that wait on them. A stranger is a connection by which no authenticated
 * request has come. At a limit strangers are closed first, so that they cannot keep kube-apiserver out.
 */
import type { Socket } from 'node:net';
import { strangerWaitingBytesLimit, waitingBytesLimit } from './waitinglimits.ts';

/** Why the server closed a connection. */
export type ClosedFor = 'connections' | 'address' | 'bytes' | 'pipelining' | 'unread';

export interface OpenConnectionsOptions {
  /** Connections that may be open at once. */
  readonly limit: number;
  /** Connections of one client address; 0 for no limit. */
  readonly limitPerAddress: number;
  readonly onClosed: (why: ClosedFor) => void;
}

export interface OpenConnections {
  /** Registers a new connection, before its TLS handshake. It, or another one, is closed where that is one too many. */
  opened(socket: Socket): void;
  /** Returns the connection that a socket or anything with the same peer belongs to; undefined once it is closed. */
  find(peer: Peer): OpenConnection | undefined;
  count(): { readonly known: number; readonly strangers: number };
  /** Closes strangers that sent too many bytes without a request, or more than all may hold; for a timer. */
  sweep(): void;
}

export interface OpenConnection {
  /** An authenticated request has come by it. */
  authenticated(): void;
  /** Reports whether one has. */
  isKnown(): boolean;
  /**
   * A request has come.
   * @param bytes that it holds until its answer has left, but for the answer.
   * @param onEnd is called once: when `ended` is, or when the connection closes. Node reports no end of requests that wait behind others then.
   */
  began(bytes: number, onEnd: () => void): RequestLoad;
  /** Reports whether a request by it can still be answered. */
  isOpen(): boolean;
  /** Returns how many requests wait for the end of their answers. */
  requests(): number;
  /** @param why undefined where it has ended for both sides; then it is not reported. */
  close(why: ClosedFor | undefined): void;
}

/** What one request makes the server hold. */
export interface RequestLoad {
  /** So many bytes of its answer wait to be sent. May close a connection, also this one. */
  holds(bytes: number): void;
  /** Returns how many bytes wait on the request's connection. */
  waitingOnConnection(): number;
  ended(): void;
}

export type Peer = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress'>;

interface Entry extends OpenConnection {
  readonly key: string;
  readonly socket: Socket;
  readonly address: string;
  isAuthenticated: boolean;
  waitingBytes: number;
  /** What ends each request. */
  readonly ends: Set<() => void>;
  lastUsed: number;
  /** Bytes received before the latest request. */
  readBytes: number;
}

export function createOpenConnections({ limit, limitPerAddress, onClosed }: OpenConnectionsOptions): OpenConnections {
  /** By peer; the oldest first. */
  const entries = new Map<string, Entry>();
  const strangers = new Set<Entry>();
  const countByAddress = new Map<string, number>();
  let waitingBytes = 0;
  let uses = 0;

  return {
    opened,
    find: (peer) => entries.get(keyOf(peer)),
    count: () => ({ known: entries.size - strangers.size, strangers: strangers.size }),
    sweep,
  };

  function opened(socket: Socket): void {
    const address = socket.remoteAddress;
    // The client is gone already.
    if (address === undefined) {
      socket.destroy();
      return;
    }
    // A client that reset its connection may come back by the same port before the reset was seen.
    const previous = entries.get(keyOf(socket));
    if (previous !== undefined) close(previous, undefined);
    const sameAddress = countByAddress.get(address) ?? 0;
    if (limitPerAddress > 0 && sameAddress >= limitPerAddress && !makeRoom('address', address)) {
      refuse(socket, 'address');
      return;
    }
    if (entries.size >= limit && !makeRoom('connections')) {
      refuse(socket, 'connections');
      return;
    }
    register(socket, address);
  }

  function refuse(socket: Socket, why: ClosedFor): void {
    onClosed(why);
    socket.destroy();
  }

  function register(socket: Socket, address: string): void {
    const entry: Entry = {
      key: keyOf(socket),
      socket,
      address,
      isAuthenticated: false,
      isKnown: () => entry.isAuthenticated,
      waitingBytes: 0,
      ends: new Set(),
      lastUsed: uses,
      readBytes: 0,
      authenticated: () => {
        entry.isAuthenticated = true;
        strangers.delete(entry);
      },
      began: (bytes, onEnd) => begin(entry, bytes, onEnd),
      isOpen: () => !socket.destroyed,
      requests: () => entry.ends.size,
      close: (why) => close(entry, why),
    };
    entries.set(entry.key, entry);
    strangers.add(entry);
    countByAddress.set(address, (countByAddress.get(address) ?? 0) + 1);
    socket.once('close', () => forget(entry));
  }

  function forget(entry: Entry): void {
    if (entries.get(entry.key) !== entry) return;
    entries.delete(entry.key);
    strangers.delete(entry);
    const left = (countByAddress.get(entry.address) ?? 1) - 1;
    if (left === 0) countByAddress.delete(entry.address);
    else countByAddress.set(entry.address, left);
    for (const end of entry.ends) end();
  }

  /** Closes the oldest stranger, else the known connection without a request that was not used for longest. Returns whether there was one. */
  function makeRoom(why: ClosedFor, address?: string): boolean {
    const fits = (entry: Entry) => address === undefined || entry.address === address;
    const stranger = strangers.values().find(fits);
    const idle = (entry: Entry) => entry.isAuthenticated && entry.ends.size === 0 && fits(entry);
    const victim =
      stranger ??
      [...entries.values()].filter(idle).reduce<Entry | undefined>((best, each) => {
        return best === undefined || each.lastUsed < best.lastUsed ? each : best;
      }, undefined);
    if (victim !== undefined) close(victim, why);
    return victim !== undefined;
  }

  /** Forgets it at once: its close event comes later, and by then others may have been let in for it. */
  function close(entry: Entry, why: ClosedFor | undefined): void {
    if (!entry.socket.destroyed) {
      if (why !== undefined) onClosed(why);
      entry.socket.destroy();
    }
    forget(entry);
  }

  function begin(entry: Entry, bytes: number, onEnd: () => void): RequestLoad {
    uses += 1;
    entry.lastUsed = uses;
    entry.readBytes = entry.socket.bytesRead;
    let held = 0;
    entry.ends.add(end);
    holds(bytes);
    return { holds, waitingOnConnection: () => entry.waitingBytes, ended: end };

    function end(): void {
      if (!entry.ends.delete(end)) return;
      entry.waitingBytes -= held;
      waitingBytes -= held;
      onEnd();
    }

    function holds(bytes: number): void {
      if (!entry.ends.has(end)) return;
      held += bytes;
      entry.waitingBytes += bytes;
      waitingBytes += bytes;
      // One answer may be longer, where strangers were given the right to long ones.
      const isGreedy = !entry.isAuthenticated && entry.ends.size > 1 && entry.waitingBytes > strangerWaitingBytesLimit;
      if (isGreedy) close(entry, 'bytes');
      else if (waitingBytes > waitingBytesLimit) closeLargest();
    }
  }

  function closeLargest(): void {
    const candidates = strangers.values().some((entry) => entry.waitingBytes > 0) ? strangers : entries.values();
    let largest: Entry | undefined;
    for (const entry of candidates) {
      if (!entry.socket.destroyed && entry.waitingBytes > (largest?.waitingBytes ?? 0)) largest = entry;
    }
    if (largest !== undefined) close(largest, 'bytes');
  }

  /** Incomplete heads are in no request yet; of a stranger all that came since the latest request is taken for one. */
  function sweep(): void {
    const held = [...strangers].map((entry) => ({ entry, bytes: entry.socket.bytesRead - entry.readBytes }));
    let total = waitingBytes;
    for (const { bytes } of held) total += bytes;
    for (const { entry, bytes } of held.sort((a, b) => b.bytes - a.bytes)) {
      if (bytes <= strangerWaitingBytesLimit && total <= waitingBytesLimit) break;
      total -= bytes;
      close(entry, 'bytes');
    }
  }
}

function keyOf({ remoteAddress, remotePort, localAddress }: Peer): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}

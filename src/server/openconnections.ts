/**
 * Limits open connections and their waiting bytes. Strangers have no authenticated request and are closed first: they
 * must not keep kube-apiserver out.
 */
import type { Socket } from 'node:net';
import { networkOf } from '../auth/clientnetwork.ts';
import { strangerWaitingBytesLimit, waitingBytesLimit } from './waitinglimits.ts';

export type CloseReason = 'connections' | 'address' | 'bytes' | 'pipelining' | 'unread';

export interface OpenConnectionsOptions {
  readonly limit: number;
  /** Per client network; 0 for no limit. */
  readonly limitPerAddress: number;
  readonly onClosed: (reason: CloseReason) => void;
}

export interface OpenConnections {
  /** Registers before the TLS handshake. At a limit, closes this or another one. */
  opened(socket: Socket): void;
  /** Undefined once it is closed. */
  find(peer: Peer): OpenConnection | undefined;
  count(): { readonly known: number; readonly strangers: number };
  /** Closes strangers whose unrequested bytes are too many, alone or together. */
  sweep(): void;
}

export interface OpenConnection {
  readonly network: string;
  markAuthenticated(): void;
  isAuthenticated(): boolean;
  /**
   * @param bytes without the response.
   * @param onEnd called once, also when the connection closes: Node does not report the end of waiting requests.
   */
  beginRequest(bytes: number, onEnd: () => void): RequestLoad;
  isOpen(): boolean;
  pendingRequests(): number;
  /** Calls the function once, as soon as no request waits for its response. */
  onceIdle(action: () => void): void;
  /** @param reason undefined, and not reported, if both sides have ended. */
  close(reason: CloseReason | undefined): void;
}

/** The bytes that one request makes the server hold. */
export interface RequestLoad {
  /** Adds unsent bytes of the response. May close any connection, this one included. */
  addBytes(bytes: number): void;
  /** All bytes that wait. */
  connectionBytes(): number;
  /** Reports that the whole response was handed to the connection, some time before its end. */
  answered(): void;
  end(): void;
}

export type Peer = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress'>;

export function createOpenConnections(options: OpenConnectionsOptions): OpenConnections {
  return new ConnectionRegister(options);
}

class ConnectionRegister implements OpenConnections {
  readonly #entries = new Map<string, RegisteredConnection>();
  readonly #strangers = new Set<RegisteredConnection>();
  readonly #countByNetwork = new Map<string, number>();
  readonly #options: OpenConnectionsOptions;
  waitingBytes = 0;
  uses = 0;

  constructor(options: OpenConnectionsOptions) {
    this.#options = options;
  }

  find(peer: Peer): OpenConnection | undefined {
    return this.#entries.get(keyOf(peer));
  }

  count(): { readonly known: number; readonly strangers: number } {
    const strangers = this.#strangers.size;
    return { known: this.#entries.size - strangers, strangers };
  }

  opened(socket: Socket): void {
    const address = socket.remoteAddress;
    if (address === undefined) {
      socket.destroy();
      return;
    }
    // A client may reuse the port before its reset is seen.
    const previous = this.#entries.get(keyOf(socket));
    if (previous !== undefined) this.close(previous, undefined);
    const { limit, limitPerAddress } = this.#options;
    const network = networkOf(address);
    const count = this.#countByNetwork.get(network) ?? 0;
    if (limitPerAddress > 0 && count >= limitPerAddress && !this.#evict('address', network)) {
      this.#refuse(socket, 'address');
    } else if (this.#entries.size >= limit && !this.#evict('connections')) this.#refuse(socket, 'connections');
    else this.#register(socket, network);
  }

  #refuse(socket: Socket, reason: CloseReason): void {
    this.#options.onClosed(reason);
    socket.destroy();
  }

  #register(socket: Socket, network: string): void {
    const entry = new RegisteredConnection(socket, network, this);
    this.#entries.set(entry.key, entry);
    this.#strangers.add(entry);
    this.#countByNetwork.set(network, (this.#countByNetwork.get(network) ?? 0) + 1);
    socket.once('close', () => this.#forget(entry));
  }

  #forget(entry: RegisteredConnection): void {
    if (this.#entries.get(entry.key) !== entry) return;
    this.#entries.delete(entry.key);
    this.#strangers.delete(entry);
    const left = (this.#countByNetwork.get(entry.network) ?? 1) - 1;
    if (left === 0) this.#countByNetwork.delete(entry.network);
    else this.#countByNetwork.set(entry.network, left);
    entry.endRequests();
  }

  authenticated(entry: RegisteredConnection): void {
    this.#strangers.delete(entry);
  }

  /** The oldest stranger, else the least recently used idle connection. */
  #evict(reason: CloseReason, network?: string): boolean {
    const fits = (entry: RegisteredConnection) => network === undefined || entry.network === network;
    let victim = this.#strangers.values().find(fits);
    if (victim === undefined) {
      for (const entry of this.#entries.values()) {
        if (!entry.isAuthenticated() || entry.pendingRequests() > 0 || !fits(entry)) continue;
        if (victim === undefined || entry.lastUsed < victim.lastUsed) victim = entry;
      }
    }
    if (victim !== undefined) this.close(victim, reason);
    return victim !== undefined;
  }

  /** Forgets at once: the close event comes later. */
  close(entry: RegisteredConnection, reason: CloseReason | undefined): void {
    if (!entry.socket.destroyed) {
      if (reason !== undefined) this.#options.onClosed(reason);
      entry.socket.destroy();
    }
    this.#forget(entry);
  }

  enforce(entry: RegisteredConnection): void {
    if (entry.isGreedy()) this.close(entry, 'bytes');
    else if (this.waitingBytes > waitingBytesLimit) this.#closeLargest();
  }

  #closeLargest(): void {
    const strangersHold = this.#strangers.values().some((entry) => entry.waitingBytes > 0);
    let largest: RegisteredConnection | undefined;
    for (const entry of strangersHold ? this.#strangers : this.#entries.values()) {
      if (!entry.socket.destroyed && entry.waitingBytes > (largest?.waitingBytes ?? 0)) largest = entry;
    }
    if (largest !== undefined) this.close(largest, 'bytes');
  }

  /** Counts bytes since the latest request: incomplete heads belong to none. */
  sweep(): void {
    const held = [...this.#strangers].map((entry) => ({ entry, bytes: entry.unrequestedBytes() }));
    let total = this.waitingBytes;
    for (const { bytes } of held) total += bytes;
    for (const { entry, bytes } of held.sort((a, b) => b.bytes - a.bytes)) {
      if (bytes <= strangerWaitingBytesLimit && total <= waitingBytesLimit) break;
      total -= bytes;
      this.close(entry, 'bytes');
    }
  }
}

class RegisteredConnection implements OpenConnection {
  readonly key: string;
  readonly socket: Socket;
  readonly network: string;
  lastUsed: number;
  waitingBytes = 0;
  readonly #register: ConnectionRegister;
  readonly #ends = new Set<() => void>();
  #onIdle: (() => void) | undefined;
  #isAuthenticated = false;
  #requestedBytes = 0;

  constructor(socket: Socket, network: string, register: ConnectionRegister) {
    this.key = keyOf(socket);
    this.socket = socket;
    this.network = network;
    this.lastUsed = register.uses;
    this.#register = register;
  }

  markAuthenticated(): void {
    this.#isAuthenticated = true;
    this.#register.authenticated(this);
  }

  isAuthenticated(): boolean {
    return this.#isAuthenticated;
  }

  isOpen(): boolean {
    return !this.socket.destroyed;
  }

  pendingRequests(): number {
    return this.#ends.size;
  }

  close(reason: CloseReason | undefined): void {
    this.#register.close(this, reason);
  }

  #takeOnIdle(): (() => void) | undefined {
    const action = this.#onIdle;
    this.#onIdle = undefined;
    return action;
  }

  onceIdle(action: () => void): void {
    if (this.#ends.size === 0) action();
    else this.#onIdle = action;
  }

  endRequests(): void {
    for (const end of this.#ends) end();
  }

  /** One response may exceed the limit: anonymous users may have the right to it. */
  isGreedy(): boolean {
    return !this.#isAuthenticated && this.#ends.size > 1 && this.waitingBytes > strangerWaitingBytesLimit;
  }

  unrequestedBytes(): number {
    return this.socket.bytesRead - this.#requestedBytes;
  }

  beginRequest(bytes: number, onEnd: () => void): RequestLoad {
    const register = this.#register;
    register.uses += 1;
    this.lastUsed = register.uses;
    this.#requestedBytes = this.socket.bytesRead;
    let held = 0;
    const end = () => {
      if (!this.#ends.delete(end)) return;
      this.waitingBytes -= held;
      register.waitingBytes -= held;
      onEnd();
      if (this.#ends.size === 0) this.#takeOnIdle()?.();
    };
    const addBytes = (more: number) => {
      if (!this.#ends.has(end)) return;
      held += more;
      this.waitingBytes += more;
      register.waitingBytes += more;
      register.enforce(this);
    };
    const answered = () => {
      if (this.#ends.size === 1 && this.#ends.has(end)) this.#takeOnIdle()?.();
    };
    this.#ends.add(end);
    addBytes(bytes);
    return { addBytes, connectionBytes: () => this.waitingBytes, answered, end };
  }
}

function keyOf({ remoteAddress, remotePort, localAddress }: Peer): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}

/**
 * Reads a TLS peer's handshake up to its certificates (RFC 8446 for TLS 1.3, RFC 5246 for 1.2). Rejects what OpenSSL
 * could read differently.
 */
import { checkSentCertificates } from './sentcertificates.ts';
import type { RecordDecrypter } from './handshakekeys.ts';

/** Forbids passing on. The message continues "the peer ...". */
export class PeerFlightError extends Error {
  override readonly name = 'PeerFlightError';
}

/** Up to the certificates: a post-quantum ClientHello has 2,000, nine certificates at most 48 KiB. */
export const flightLimitBytes = 64 * 1024;

const headerBytes = 5;
const recordLimitBytes = 16_384 + 256;
const messageHeaderBytes = 4;
const recordType = { alert: 21, handshake: 22, applicationData: 23 } as const;
const messageType = {
  certificate: 11,
  serverHelloDone: 14,
  clientKeyExchange: 16,
  finished: 20,
  compressedCertificate: 25,
} as const;

/** The message for bytes that are not TLS. */
export const notTls = 'does not speak TLS';

export class PeerFlight {
  /** Everything costly was accepted. */
  done = false;
  #decrypt: RecordDecrypter | undefined;
  readonly #decrypter: () => RecordDecrypter | undefined;
  #records: Buffer = Buffer.alloc(0);
  /** Has spare space: a peer may send one byte per record. */
  #messages: Buffer = Buffer.alloc(0);
  #messagesBytes = 0;
  #bytes = 0;

  /** @param decrypter called until it returns one, for TLS 1.3's records. */
  constructor(decrypter: () => RecordDecrypter | undefined) {
    this.#decrypter = decrypter;
  }

  /**
   * @param pass gets each accepted record before the next is read: OpenSSL may need it to decrypt that.
   * @throws PeerFlightError, or Asn1Error for a certificate: pass nothing more on.
   */
  read(chunk: Buffer, pass: (bytes: Buffer) => void = () => undefined): void {
    if (this.done) {
      pass(chunk);
      return;
    }
    this.#bytes += chunk.length;
    if (this.#bytes > flightLimitBytes) throw new PeerFlightError(`sent more than ${flightLimitBytes} bytes`);
    this.#records = Buffer.concat([this.#records, chunk]);
    while (!this.done) {
      const { length } = this.#records;
      // SSL 2.0's first message has no type; nothing has sent it for ten years.
      if (length > 0 && (this.#records[0] ?? 0) >>> 2 !== 5) throw new PeerFlightError(notTls);
      if (length < headerBytes) return;
      const end = headerBytes + this.#records.readUInt16BE(3);
      if (end > headerBytes + recordLimitBytes) throw new PeerFlightError('sent a record that is too long');
      if (length < end) return;
      const record = this.#records.subarray(0, end);
      this.#records = this.#records.subarray(end);
      this.#readRecord(record.subarray(0, headerBytes), record.subarray(headerBytes));
      pass(record);
    }
    if (this.#records.length > 0) pass(this.#records);
    this.#records = Buffer.alloc(0);
  }

  #readRecord(header: Buffer, content: Buffer): void {
    this.#decrypt ??= this.#decrypter();
    switch (header[0] ?? 0) {
      case recordType.handshake:
        if (this.#decrypt !== undefined) throw new PeerFlightError('sent a message that is not encrypted');
        this.#readMessages(content);
        return;
      case recordType.applicationData:
        if (this.#decrypt === undefined) throw new PeerFlightError('sent data before its handshake');
        this.#readInner(decrypted(this.#decrypt, header, content));
        return;
      default:
      // An alert ends the connection or means nothing, as does ChangeCipherSpec: TLS 1.2 sends it later, and no
      // sessions are resumed.
    }
  }

  /** TLS 1.3 has the type behind the content, before padding. */
  #readInner(inner: Buffer): void {
    let end = inner.length;
    while (end > 0 && inner[end - 1] === 0) end -= 1;
    if (inner[end - 1] === recordType.handshake) this.#readMessages(inner.subarray(0, end - 1));
    else if (inner[end - 1] !== recordType.alert) throw new PeerFlightError('sent data before its handshake');
  }

  #readMessages(content: Buffer): void {
    const end = this.#messagesBytes + content.length;
    if (end > this.#messages.length) {
      const { length } = this.#messages;
      this.#messages = Buffer.concat([this.#messages.subarray(0, this.#messagesBytes)], Math.max(2 * length, end));
    }
    content.copy(this.#messages, this.#messagesBytes);
    let start = 0;
    while (!this.done && end - start >= messageHeaderBytes) {
      const next = start + messageHeaderBytes + this.#messages.readUIntBE(start + 1, 3);
      if (end < next) break;
      this.#readMessage(this.#messages[start] ?? 0, this.#messages.subarray(start + messageHeaderBytes, next));
      start = next;
    }
    if (start > 0) this.#messages.copyWithin(0, start, end);
    this.#messagesBytes = end - start;
  }

  #readMessage(type: number, body: Buffer): void {
    switch (type) {
      case messageType.certificate:
        checkSentCertificates(certificatesOf(body, this.#decrypt !== undefined));
        this.done = true;
        return;
      case messageType.compressedCertificate:
        throw new PeerFlightError('sent a compressed certificate');
      case messageType.serverHelloDone:
      case messageType.clientKeyExchange:
      case messageType.finished:
        // No certificate can follow.
        this.done = true;
        return;
      default:
    }
  }
}

function decrypted(decrypt: RecordDecrypter, header: Buffer, content: Buffer): Buffer {
  try {
    return decrypt(header, content);
  } catch (cause) {
    throw new PeerFlightError('sent a record that cannot be decrypted', { cause });
  }
}

/** TLS 1.3 adds a context, and extensions per certificate. */
function certificatesOf(body: Buffer, is13: boolean): readonly Buffer[] {
  const certificates: Buffer[] = [];
  let at = 0;
  if (is13) take(1);
  const list = take(3);
  if (at !== body.length) throw malformed();
  for (at -= list.length; at < body.length; ) {
    certificates.push(take(3));
    if (is13) take(2);
  }
  return certificates;

  /** Reads a vector by its length prefix. */
  function take(lengthBytes: number): Buffer {
    const start = at + lengthBytes;
    if (start > body.length) throw malformed();
    at = start + body.readUIntBE(start - lengthBytes, lengthBytes);
    if (at > body.length) throw malformed();
    return body.subarray(start, at);
  }
}

function malformed(): PeerFlightError {
  return new PeerFlightError('sent a malformed list of certificates');
}

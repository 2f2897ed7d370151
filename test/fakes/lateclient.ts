/** A TLS client over TCP that keeps its last flight back. */
import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls';

export interface LateClient {
  readonly tcp: Socket;
  readonly secure: TLSSocket;
  /** Written by `secure` after the ClientHello, and not sent. */
  readonly kept: readonly Buffer[];
}

/** Errors of both sockets are ignored. */
export function connectLateClient(port: number, version: SecureVersion): LateClient {
  const tcp = connectTcp(port, '127.0.0.1').on('error', () => {});
  const kept: Buffer[] = [];
  let isClientHello = true;
  const wire = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      if (isClientHello) tcp.write(chunk);
      else kept.push(chunk);
      isClientHello = false;
      done();
    },
  });
  tcp.on('data', (chunk) => wire.push(chunk));
  const secure = connectTls({
    socket: wire,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
    minVersion: version,
    maxVersion: version,
  }).on('error', () => {});
  return { tcp, secure, kept };
}

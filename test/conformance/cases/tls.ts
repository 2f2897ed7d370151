/** Statements 121, 122 and what 125 says of names: the handshake. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { waitFor } from '../../cluster/wait.ts';
import type { Case } from '../case.ts';

export const tls: readonly Case[] = [
  ...(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const).map(
    (version): Case => ({
      statements: [121],
      name: version,
      probe: ({ server }) =>
        agreed(server.port, { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }),
      expect:
        version === 'TLSv1' || version === 'TLSv1.1'
          ? // The server's word, not ours.
            'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'
          : { protocol: version, alpn: false },
    }),
  ),
  ...[['h2'], ['http/1.1'], ['http/1.1', 'h2'], ['nonsense', 'http/1.1'], undefined].map(
    (protocols): Case => ({
      statements: [121],
      name: `ALPN ${protocols?.join(',') ?? 'none'}`,
      probe: ({ server }) => agreed(server.port, protocols === undefined ? {} : { ALPNProtocols: protocols }),
    }),
  ),
  {
    statements: [121],
    name: 'the CAs whose certificates it asks for',
    probe: ({ server }) => acceptableCas(server.port),
    expect: ['CN=conformance clients', 'CN=conformance front proxies'],
    differs: 'no names of CAs',
  },
  {
    statements: [122],
    name: 'new files of the serving certificate are used within 90 s',
    phase: 'changing',
    probe: async ({ server, renewServingCertificate }) => {
      const fingerprint = renewServingCertificate();
      await waitFor(`${server.name} to show it`, async () => (await shown(server.port)) === fingerprint, 90_000, 500);
      return 'renewed';
    },
    expect: 'renewed',
  },
  {
    statements: [125],
    name: 'an unknown server name',
    probe: ({ server }) => agreed(server.port, { servername: 'nobody.example' }),
  },
];

/** Returns the agreed protocol, or the code of the error. */
async function agreed(port: number, options: ConnectionOptions): Promise<unknown> {
  return withHandshake(port, options, (socket) => ({
    protocol: socket.getProtocol(),
    alpn: socket.alpnProtocol,
  })).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error) || error.code === 'ECONNREFUSED') throw error;
    return error.code;
  });
}

/** The SHA-256 fingerprint of the certificate that it shows. */
function shown(port: number): Promise<string | undefined> {
  return withHandshake(port, {}, (socket) => socket.getPeerX509Certificate()?.fingerprint256);
}

async function withHandshake<T>(port: number, options: ConnectionOptions, look: (socket: TLSSocket) => T): Promise<T> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  try {
    await once(socket, 'secureConnect');
    return look(socket);
  } finally {
    socket.destroy();
  }
}

/** The names in its CertificateRequest, which Node does not show. */
async function acceptableCas(port: number): Promise<string[]> {
  const client = promisify(execFile)('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_2']);
  client.child.stdin?.end();
  const { stdout } = await client;
  const list = /\nAcceptable client certificate CA names\n((?:(?:\w+ ?= ?.*)\n)+)/.exec(stdout)?.[1] ?? '';
  const names = list
    .trimEnd()
    .split('\n')
    .map((name) => name.replaceAll(' = ', '='));
  return [...new Set(names)].sort();
}

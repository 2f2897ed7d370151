/** A TLS server in a thread of its own. It answers each byte with one burst, and counts those that the kernel has. */
import { createServer, type TlsOptions } from 'node:tls';
import { parentPort, workerData } from 'node:worker_threads';
import { listen } from './listen.ts';

export interface BurstServer {
  readonly tls: TlsOptions;
  readonly burstBytes: number;
  /** One Int32: bursts written. */
  readonly written: SharedArrayBuffer;
}

const { tls, burstBytes, written } = workerData as BurstServer;
const count = new Int32Array(written);
const server = createServer(tls, (socket) => {
  socket
    .on('error', () => undefined)
    .on('data', () => {
      socket.write(Buffer.alloc(burstBytes), () => {
        Atomics.add(count, 0, 1);
        Atomics.notify(count, 0);
      });
    });
});
parentPort?.postMessage(await listen(server, 0), []);

/** The HTTPS server of HTTP/2 and HTTP/1.1. */
import { createApp } from './app.ts';
import { setUpConnections } from './connectionsetup.ts';
import { addHooks } from './hooks.ts';
import { listenOn } from './listen.ts';
import { Responder } from './responder.ts';
import type { ServerOptions } from './serveroptions.ts';
import { createShutdown } from './shutdown.ts';
import { secureContext, type ServerTls } from './tlscontext.ts';

export interface Server {
  /** @throws Error that says what to do. */
  listen(): Promise<void>;
  /** Changes the certificate of new connections. */
  setTls(tls: ServerTls): void;
  /** Waits for requests in progress. */
  close(): Promise<void>;
}

export async function createServer(options: ServerOptions): Promise<Server> {
  const { app, methodOf } = createApp(options);
  const shutdown = createShutdown(options.shutdownSendRetryAfter);
  const { writeDeadlineMs, log } = options;
  const { ages, connectionOf, users, shareOf } = setUpConnections(app.server, options);
  const responder = new Responder({ writeDeadlineMs, isStopping: shutdown.isStopping, isDue: ages.isDue, log });
  addHooks(app, { options, methodOf, connectionOf, users, shareOf, ages, responder, shutdown });
  return {
    listen: () => listenOn(app, options.bindAddress, options.port),
    setTls: (tls) => app.server.setSecureContext(secureContext(tls, options)),
    close: () => shutdown.run(() => app.close()),
  };
}

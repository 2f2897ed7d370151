/** The checks of each request. Their order is the security model; a response ends the request. */
import type { App } from './app.ts';
import { failureReply } from './errors.ts';
import { apiRequest, type HookContext } from './hookcontext.ts';
import { answerBeforeTrust, authenticate, authorizeAndServe } from './accesshooks.ts';
import {
  answerOptionsAsterisk,
  readRequest,
  refuseHost,
  refuseWhileDraining,
  spreadConnections,
  trackRequest,
} from './requesthooks.ts';

export function addHooks(app: App, context: HookContext): void {
  for (const name of ['info', 'user', 'share', 'connection', 'load', 'timer']) app.decorateRequest(name);

  app.addHook('onRequest', trackRequest(context));
  app.addHook('onRequest', refuseHost);
  app.addHook('onRequest', spreadConnections(context));
  app.addHook('onRequest', answerOptionsAsterisk);
  app.addHook('onRequest', readRequest(context));
  if (context.options.shutdownSendRetryAfter) app.addHook('onRequest', refuseWhileDraining(context));
  app.addHook('onRequest', answerBeforeTrust(context));
  app.addHook('onRequest', authenticate(context));
  // Not in the route's handler: fastify would first read the body.
  app.addHook('onRequest', authorizeAndServe(context));

  const { responder, options } = context;
  app.setErrorHandler(async (error, request, response) =>
    responder.send(
      response,
      await failureReply(error, request.originalUrl, apiRequest(context, request, response), options.log),
    ),
  );
  app.addHook('onSend', async (_request, response) => responder.closeIfLast(response));
}

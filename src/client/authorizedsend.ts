/** Sends requests with a server's credentials. */
import { untilAborted } from '../abort.ts';
import type { ApiServer } from './apiserver.ts';
import type { Dispatcher } from './undici.ts';

/** Sends once more after a 401 if credentials have changed. */
export async function sendAuthorized(
  server: Pick<ApiServer, 'authorization' | 'refresh'>,
  signal: AbortSignal,
  send: (authorization: string | undefined) => Promise<Dispatcher.ResponseData>,
): Promise<Dispatcher.ResponseData> {
  // An exec plugin may hang.
  const authorization = await untilAborted(server.authorization(), signal);
  const response = await send(authorization);
  if (response.statusCode !== 401 || server.refresh === undefined) return response;
  server.refresh();
  const renewed = await untilAborted(server.authorization(), signal);
  if (renewed === authorization) return response;
  await response.body.dump();
  return send(renewed);
}

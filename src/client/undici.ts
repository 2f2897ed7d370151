/**
 * The parts of undici that we use. Its index loads fetch, WebSockets and a dozen more beside them, which takes a tenth of the time to start and 6 MiB in every
 * thread; the version is pinned, and whatever moved would be missed at once.
 */
import { createRequire } from 'node:module';
import type * as undici from 'undici';

const require = createRequire(import.meta.url);

export const Client = require('undici/lib/dispatcher/client.js') as typeof undici.Client;
export const Pool = require('undici/lib/dispatcher/pool.js') as typeof undici.Pool;
export const buildConnector = require('undici/lib/core/connect.js') as typeof undici.buildConnector;
export type { Dispatcher } from 'undici';
export type Connector = undici.buildConnector.connector;

// As its index does.
const Dispatcher = require('undici/lib/dispatcher/dispatcher.js') as typeof undici.Dispatcher;
Object.assign(Dispatcher.prototype, {
  request: require('undici/lib/api/api-request.js') as undici.Dispatcher['request'],
});

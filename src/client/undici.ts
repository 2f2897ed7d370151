/**
 * The parts of undici in use; its index takes a tenth of the startup time and 6 MiB per thread more. A moved file fails
 * at once, as the version is pinned.
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

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { AuthenticationSettings } from '../../../src/auth/settings.ts';
import { createTrustWarnings } from '../../../src/auth/trustwarnings.ts';
import { parseTrustBundle } from '../../../src/tls/trustbundle.ts';
import { makeAuthority } from '../../fakes/certificates.ts';
import { createRecordingLog, type RecordingLog } from '../../fakes/recordinglog.ts';

const [clients, proxies] = ['clients', 'proxies'].map((name) => makeAuthority(name).cert);
const headers = { username: ['X-Remote-User'], uid: [], group: [], extraPrefix: [] };

let log: RecordingLog;
let warn: (settings: AuthenticationSettings) => void;

beforeEach(() => {
  log = createRecordingLog();
  warn = createTrustWarnings(log.log);
});

function settings(clientCa: string | undefined, proxyCa: string | undefined, allowedNames = ['front-proxy-client']) {
  return {
    clientCa: clientCa === undefined ? undefined : parseTrustBundle(clientCa, 'a test'),
    requestHeader:
      proxyCa === undefined ? undefined : { ca: parseTrustBundle(proxyCa, 'a test'), allowedNames, headers },
  };
}

describe('trust', () => {
  test('in two CAs and named front proxies logs no warning, nor does none', () => {
    warn(settings(clients, proxies));
    warn(settings(undefined, proxies));
    warn(settings(clients, undefined));
    assert.deepEqual(log.lines, []);
  });

  test('in front proxies of any name logs one warning', () => {
    warn(settings(clients, proxies, []));
    warn(settings(undefined, proxies, []));
    assert.equal(log.lines.length, 1);
    assert.match(log.lines[0] ?? '', /^warn: requestheader-allowed-names is empty/);
  });

  test('in one CA for both purposes logs one warning, also if it is one of several', () => {
    warn(settings(clients, `${proxies}${clients}`));
    warn(settings(clients, clients));
    assert.equal(log.lines.length, 1);
    assert.match(log.lines[0] ?? '', /^warn: one CA is trusted for clients and for front proxies/);
  });
});

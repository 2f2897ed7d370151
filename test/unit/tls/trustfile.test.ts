import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { describeError } from '../../../src/logging.ts';
import { watchTrustFile } from '../../../src/tls/trustfile.ts';

test('a CA file that cannot be used is named with its flag', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
  try {
    const garbage = path.join(folder, 'ca.crt');
    writeFileSync(garbage, 'garbage');
    assert.match(problemOf(garbage), /^cannot use --client-ca-file .*ca\.crt: .*holds no certificate; expected PEM/);
    assert.match(problemOf(folder), /^cannot read --client-ca-file .*: it is a directory$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function problemOf(file: string): string {
  try {
    watchTrustFile('--client-ca-file', file);
    return '';
  } catch (error) {
    return describeError(error);
  }
}

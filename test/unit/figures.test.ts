/** Holds that figures that are written by hand in documents are those that were measured last, and the limits those of the source. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bodyLimitBytes } from '../../src/kubelet/http/responselimits.ts';
import { readingLimitMs, sliceMs } from '../../src/kubelet/http/readingbudget.ts';
import { containerLimit } from '../../src/decode/limits.ts';
import { tokenLifeSeconds } from '../../src/client/tokenrequest.ts';
import { snapshotLimitBytes } from '../../src/command/snapshotfile.ts';
import { readyWithoutUsageMs } from '../../src/command/readiness.ts';
import { strangersInFlightLimit } from '../../src/server/inflight.ts';
import { connectionLimit, waitingBytesLimit } from '../../src/server/waitinglimits.ts';
import { deniedPatchRetryMs } from '../../src/trustpublication/publication.ts';
import { propagationMs } from '../../src/trustpublication/publicationdecision.ts';
import { readMeasured } from '../bench/measured.ts';
import { readDocument } from '../docs/documents.ts';

const mib = 1024 * 1024;

function median(name: string): number {
  const figure = readMeasured().figures[name];
  assert.ok(figure, `${name} was measured`);
  return figure.median;
}

/** Returns two digits, as documents show figures. */
const short = (value: number): string => String(Number(value.toPrecision(2)));

describe('docs/sizing.md', () => {
  const page = readDocument('docs/sizing.md');

  test('has the time and the size of a long list', () => {
    const ms = short(median('list.150000.all'));
    const megabytes = short(median('list.150000.size') / 1e6);
    assert.ok(page.includes(`a list of 150,000 pods takes ${ms} ms and ${megabytes} MB`));
    for (const file of ['ARCHITECTURE.md', 'docs/decisions/api.md']) {
      assert.ok(readDocument(file).includes(`${megabytes} MB`), file);
    }
  });

  test("has the sizes of a kubelet's responses", () => {
    const filtered = short(median('size.10.filtered-protobuf') / 1e3);
    const full = short(median('size.10.full-protobuf') / 1e6);
    assert.ok(page.includes(`about ${filtered} KB before compression for a filtered response of 10 pods, ${full} MB`));
  });

  test('has the limit of a snapshot', () => {
    assert.ok(page.includes(`a file of at most ${snapshotLimitBytes / mib} MiB`));
  });
});

test('.github/SECURITY.md has the limits of the source', () => {
  const page = readDocument('.github/SECURITY.md');
  const limits = [
    `send up to ${bodyLimitBytes / mib} MiB, ${containerLimit.toLocaleString('en-US')} containers and ${readingLimitMs / 1000} s of reading CPU`,
    `slices of ${sliceMs} ms`,
    `lives for ${tokenLifeSeconds / 60} minutes`,
    `${connectionLimit.toLocaleString('en-US')} in all, with ${waitingBytesLimit / mib} MiB that wait`,
  ];
  for (const limit of limits) assert.ok(page.includes(limit), limit);
});

test('docs/troubleshooting.md has the times and limits of the source', () => {
  const page = readDocument('docs/troubleshooting.md');
  assert.equal(readyWithoutUsageMs, 60_000);
  assert.ok(page.includes('After a minute the server is ready without any.'));
  assert.equal(propagationMs, 2_000);
  assert.ok(page.includes('It becomes ready two seconds after its root is in the bundle.'));
  assert.equal(deniedPatchRetryMs, 5 * 60_000);
  assert.ok(page.includes('It is tried again every five minutes.'));
  assert.ok(page.includes(`More than ${strangersInFlightLimit} requests without credentials run at once.`));
});

/** Reads in kube-apiserver's audit log which reviews a server has sent. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Review } from './case.ts';
import { dig } from './objects.ts';

/** An event is written when its request has been answered: a moment after the server has gone on. So long no other one has to come. */
const settleMs = 200;

/** The reviews that reached kube-apiserver while `during` ran, in order. Only one server may be asked meanwhile. */
export async function reviewsWhile(auditLog: string, during: () => Promise<unknown>): Promise<Review[]> {
  const start = sizeOf(auditLog);
  await during();
  for (let before = -1; before !== sizeOf(auditLog); ) {
    before = sizeOf(auditLog);
    await sleep(settleMs);
  }
  const lines = textFrom(auditLog, start).split('\n').filter(Boolean);
  return lines.map((line) => {
    const event: unknown = JSON.parse(line);
    const kind = dig(event, 'objectRef', 'resource') === 'tokenreviews' ? 'TokenReview' : 'SubjectAccessReview';
    return { kind, spec: dig(event, 'requestObject', 'spec') };
  });
}

function sizeOf(file: string): number {
  const open = openSync(file, 'r');
  try {
    return fstatSync(open).size;
  } finally {
    closeSync(open);
  }
}

function textFrom(file: string, start: number): string {
  const open = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(fstatSync(open).size - start);
    readSync(open, bytes, 0, bytes.length, start);
    return bytes.toString();
  } finally {
    closeSync(open);
  }
}

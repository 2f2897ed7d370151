/**
 * Keeps protobuf away from clients of the core group. The fakes write in protobuf only what our server reads of an object, and kubectl would take
 * that for the whole object: nodes without `allocatable`, pods whose bytes end too early.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { refuse } from '../fakes/apiread.ts';

/** Returns the ranges of an Accept header that JSON satisfies; undefined if there are others only. */
export function jsonRanges(accept: string): string | undefined {
  const ranges = accept.split(',').map((range) => range.trim());
  const taken = ranges.filter((range) => /^(?:application\/json|application\/\*|\*\/\*|)(?:\s*;|$)/i.test(range));
  return taken.length === 0 ? undefined : taken.join(', ');
}

/** Answers a request that JSON cannot serve, as kube-apiserver does when it has no such serializer. Returns the Accept header to go on with otherwise. */
export function negotiateJson({ headers }: IncomingMessage, response: ServerResponse): string | undefined {
  const accept = jsonRanges(headers.accept ?? '');
  const type = headers['content-type'];
  if (accept === undefined) {
    refuse(response, 406, `only the following media types are accepted: ${json}`);
    return undefined;
  }
  if (type !== undefined && !type.toLowerCase().startsWith(json)) {
    refuse(response, 415, `the body of the request was in an unknown format - accepted media types include: ${json}`);
    return undefined;
  }
  return accept;
}

const json = 'application/json';

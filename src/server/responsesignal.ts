/** A signal for work whose result only one response needs. */
import type { Http2ServerResponse } from 'node:http2';
import { StatusError } from '../apimachinery/status.ts';
import { isGone } from './streamedbody.ts';

/**
 * Returns a signal that aborts when the response has ended: after it was sent, by its deadline, or when its client has
 * cancelled it or gone. Over HTTP/1.1 a client that has closed its side may still read, so there only the deadline
 * counts; kube-apiserver uses HTTP/2. Made on demand: most responses need none.
 */
export function endOfResponse(response: Http2ServerResponse): AbortSignal {
  const controller = new AbortController();
  const end = () => controller.abort(new StatusError('Timeout', 'the request ended before its response was made'));
  if (isGone(response)) end();
  else response.once('close', end);
  return controller.signal;
}

/** Failures of the engine: what it answers to queries, and what becomes of three reads meanwhile. */
import type { ServerResponse } from 'node:http';
import { C, type CustomCase, exchange, X } from '../case.ts';
import { anyOf, explained, lastValue, redirected } from '../differences.ts';
import type { Recorded } from '../recorder.ts';

export interface Fault {
  readonly name: string;
  /** False lets the request through. */
  readonly answer: (response: ServerResponse, asked: Recorded) => unknown;
  readonly cases: readonly CustomCase[];
  /** Reads before the failure. */
  readonly before?: readonly CustomCase[];
}

const json = 'application/json';

function answers(name: string, status: number, body: string, type = json): readonly [string, Fault['answer']] {
  return [name, (response) => response.writeHead(status, { 'content-type': type }).end(body)];
}

const failure = (errorType: string) => JSON.stringify({ status: 'error', errorType, error: 'x' });
const success = (data: unknown) => JSON.stringify({ status: 'success', data });

const answersTo: readonly (readonly [string, Fault['answer']])[] = [
  answers('500 of a proxy', 500, '<html>oops</html>', 'text/html'),
  answers('500', 500, failure('internal')),
  answers('503', 503, failure('timeout')),
  answers('400', 400, failure('bad_data')),
  answers('401', 401, 'Unauthorized', 'text/plain'),
  answers('404', 404, '404 page not found', 'text/plain'),
  answers('422', 422, failure('execution')),
  answers('HTML', 200, '<html></html>', 'text/html'),
  answers('an empty answer', 200, ''),
  answers('an empty object', 200, '{}'),
  answers('no data', 200, success(null)),
  answers('an error with 200', 200, failure('execution')),
  answers('an unknown result type', 200, success({ resultType: 'x', result: [] })),
  [
    'half a body',
    (response) => response.writeHead(200, { 'content-length': 100 }).write('{', () => response.destroy()),
  ],
  ['no answer', (response) => void response.destroy()],
];

const [, nothing] = answers('null', 200, success({ resultType: 'vector', result: null }));
const [, overloaded] = answers('503', 503, failure('timeout'));
const nullDepth = `${X}/namespaces/shop/queue_depth?labelSelector=queue%3Dnull`;
const known = `${C}/namespaces/shop/pods/web-0/http_requests_per_second`;

/** Each has objects and selectors of its own, of which no server has a last value, but for `after a last value`. */
export const faults: readonly Fault[] = [
  // Before breakers stop queries.
  {
    name: 'null',
    answer: nothing,
    cases: [
      exchange(99, `${C}/namespaces/shop/pods/web-1/http_requests_per_second`, 404),
      exchange(99, `${C}/namespaces/shop/pods/*/http_requests_per_second?metricLabelSelector=path%3Dnull`, 200),
      exchange(99, nullDepth, 500, {
        differs: { row: 'reasons', ours: (real, ours) => anyOf(nullDepth).ours(real, ours) },
      }),
    ],
  },
  {
    name: 'a redirect',
    answer: (response, { path, parameters }) => {
      if (parameters.has('redirected')) return false;
      const location = `${path}?${parameters.toString()}&redirected=1`;
      return response.writeHead(302, { location }).end();
    },
    cases: [
      exchange(100, `${C}/namespaces/shop/pods/web-0/inflight?metricLabelSelector=verb%3DGET`, 200, {
        differs: redirected,
      }),
    ],
  },
  {
    name: 'a hang',
    answer: () => undefined,
    cases: [
      exchange(101, `${C}/namespaces/shop/pods/web-0/inflight?metricLabelSelector=path%3Dhang&timeout=1s`, 504),
      exchange(101, `${C}/namespaces/shop/pods/*/inflight?metricLabelSelector=path%3Dhang&timeout=1s`, 504),
      exchange(101, `${X}/namespaces/shop/queue_depth?labelSelector=queue%3Dhang&timeout=1s`, 504),
    ],
  },
  {
    name: 'after a last value',
    before: [exchange(99, known, 200)],
    answer: overloaded,
    cases: [exchange(99, known, 500, { differs: lastValue })],
  },
  ...answersTo.map(failing),
];

function failing([name, answer]: (typeof answersTo)[number], index: number): Fault {
  const differs = { ...explained('Prometheus'), queries: 'any' } as const;
  const shop = `${C}/namespaces/shop`;
  return {
    name,
    answer,
    cases: [
      exchange(99, `${shop}/pods/fault-${index}/http_requests_per_second`, 500, { differs }),
      exchange(99, `${shop}/pods/*/http_requests_per_second?metricLabelSelector=path%3D${index}`, 500, { differs }),
      exchange(99, `${X}/namespaces/shop/queue_depth?labelSelector=queue%3Dfault-${index}`, 500, { differs }),
    ],
  };
}

/** Metrics of our requests to kube-apiserver, under the names of Kubernetes' clients. */
import { Counter, Histogram } from 'prom-client';
import type { Registry } from '../monitoring.ts';
import type { OnRequest, OnReview } from './requestoutcome.ts';

export interface ClientMetrics {
  readonly onRequest: OnRequest;
  readonly onTokenReview: OnReview;
  readonly onAccessReview: OnReview;
}

const reviewBuckets = [0.005, 0.025, 0.1, 0.5, 1, 5, 10];

export function createClientMetrics(registry: Registry): ClientMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Number of HTTP requests to kube-apiserver.',
    labelNames: ['code', 'method', 'host'],
    registers,
  });
  return {
    onRequest: (method, host, code) => requests.inc({ code, method, host }),
    onTokenReview: reviews('authn', 'TokenReviews'),
    onAccessReview: reviews('authz', 'SubjectAccessReviews'),
  };

  function reviews(kind: string, what: string): OnReview {
    const total = new Counter({
      name: `apiserver_delegated_${kind}_request_total`,
      help: `Number of ${what}.`,
      labelNames: ['code'],
      registers,
    });
    const duration = new Histogram({
      name: `apiserver_delegated_${kind}_request_duration_seconds`,
      help: `How long ${what} took.`,
      labelNames: ['code'],
      buckets: reviewBuckets,
      registers,
    });
    return (code, seconds) => {
      total.inc({ code });
      duration.observe({ code }, seconds);
    };
  }
}

/** Flags about what a client may do. */
import { between, type FlagSection, notNegative } from './flag.ts';

export const authorizationFlags = {
  'authorization-kubeconfig': {
    type: 'string',
    default: undefined,
    help: 'Kubeconfig for SubjectAccessReviews. Unset: as --kubeconfig.',
  },
  'authorization-always-allow-paths': {
    type: 'list',
    default: '',
    help: 'Paths that need no right, beside /healthz, /livez and /readyz; a trailing * matches any suffix.',
  },
  'authorization-webhook-cache-authorized-ttl': {
    type: 'duration',
    default: '10s',
    check: notNegative,
    help: 'How long an allowed access is cached.',
  },
  'authorization-webhook-cache-unauthorized-ttl': {
    type: 'duration',
    default: '10s',
    check: notNegative,
    help: 'How long a denied access is cached; at most 0.5s in the 30s after an outage of kube-apiserver, since one that starts denies what it will allow.',
  },
  'authorization-webhook-stale-allow-duration': {
    type: 'duration',
    default: '0s',
    check: between(0, 600_000, '0s', '10m, for a right that was taken away may count so long'),
    help: 'How much longer an allowed access counts while kube-apiserver is unreachable. Raise it to serve through such outages; a revoked right counts as long.',
  },
} as const satisfies FlagSection;

/** Flags about who a client is. */
import { type FlagSection, notNegative } from './flag.ts';

export const authenticationFlags = {
  'authentication-kubeconfig': {
    type: 'string',
    default: undefined,
    help: 'Kubeconfig for TokenReviews and the authentication ConfigMap. Unset: as --kubeconfig.',
  },
  'authentication-skip-lookup': {
    type: 'boolean',
    default: 'false',
    help: 'Do not read the ConfigMap extension-apiserver-authentication. Only the CAs in flags are trusted then.',
  },
  'authentication-tolerate-lookup-failure': {
    type: 'boolean',
    default: 'false',
    help: 'Serve before that ConfigMap was read. Until then only flags, tokens and anonymous requests authenticate.',
  },
  'authentication-token-webhook-cache-ttl': {
    type: 'duration',
    default: '10s',
    check: notNegative,
    help: 'How long a valid token is cached; an invalid one at most 0.5s.',
  },
  'client-ca-file': {
    type: 'string',
    default: undefined,
    help: "File with the CAs of client certificates. Unset: the ConfigMap's.",
  },
  'requestheader-client-ca-file': {
    type: 'string',
    default: undefined,
    help: 'File with the CAs of front proxies. Setting it replaces all request header settings of the ConfigMap.',
  },
  'requestheader-allowed-names': {
    type: 'list',
    default: '',
    help: 'Common names of front proxies. Empty: every certificate that the CA has signed.',
  },
  'requestheader-username-headers': {
    type: 'list',
    default: 'x-remote-user',
    help: "Headers with the user's name.",
  },
  'requestheader-uid-headers': {
    type: 'list',
    default: '',
    help: "Headers with the user's UID.",
  },
  'requestheader-group-headers': {
    type: 'list',
    default: 'x-remote-group',
    help: "Headers with the user's groups.",
  },
  'requestheader-extra-headers-prefix': {
    type: 'list',
    default: 'x-remote-extra-',
    help: "Prefixes of headers with the user's extra fields.",
  },
} as const satisfies FlagSection;

/** Wires up who callers are, what they may do, and which certificates both sides show. */
import { type Authenticator, createAuthenticator } from '../auth/authenticator.ts';
import { type Authorizer, createAuthorizer } from '../auth/authorizer.ts';
import { authenticationConfigMap } from '../auth/configmap.ts';
import { createSettings, type RequestHeaderFlags } from '../auth/settings.ts';
import type { ApiServer } from '../client/config.ts';
import { createInformer } from '../client/informer.ts';
import { kubeconfigApiServer } from '../client/kubeconfig.ts';
import type { ClientMetrics } from '../client/metrics.ts';
import { createRestClient, type RestClient } from '../client/rest.ts';
import { createAccessReviewer, createTokenReviewer } from '../client/reviews.ts';
import type { Clock } from '../clock.ts';
import type { Resolve } from '../dns/address.ts';
import type { Logger } from '../logging.ts';
import type { Options } from '../options/flags.ts';
import { healthPaths } from '../server/health.ts';
import type { ServerTls } from '../server/tlscontext.ts';
import { createServingCertificate } from '../tls/serving.ts';

export interface AuthOptions {
  readonly options: Options;
  /** For kube-apiserver, where no other kubeconfig is given. */
  readonly rest: RestClient;
  /** Finds the addresses of other kubeconfigs' servers. Unset: with the system's configuration. */
  readonly resolve?: Resolve | undefined;
  readonly metrics: ClientMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Closes what is opened here. */
  readonly rooms: AsyncDisposableStack;
}

export interface Auth {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  /** Whether it is known whom to trust. */
  trustKnown(): boolean;
  tls(): ServerTls;
  onTlsChange(listener: (tls: ServerTls) => void): void;
  /** Follows the authentication ConfigMap until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** @throws Error when a file that a flag names is not good. */
export async function createAuth({ options, rest, resolve, metrics, clock, log, rooms }: AuthOptions): Promise<Auth> {
  const authenticationRest = await restFor(options['authentication-kubeconfig']);
  const authorizationRest = await restFor(options['authorization-kubeconfig']);
  const configMap = options['authentication-skip-lookup']
    ? undefined
    : createInformer({ rest: authenticationRest, clock, log, ...authenticationConfigMap });
  const settings = rooms.use(
    await createSettings({
      source: configMap,
      clientCaFile: options['client-ca-file'],
      requestHeader: requestHeaderFlags(options),
      clock,
      log,
    }),
  );
  const serving = rooms.use(
    await createServingCertificate({
      certFile: options['tls-cert-file'],
      keyFile: options['tls-private-key-file'],
      certDir: options['cert-dir'],
      names: [],
      clock,
      log,
    }),
  );
  return {
    authenticator: createAuthenticator({
      settings,
      reviewer: createTokenReviewer(authenticationRest, metrics.onTokenReview),
      tokenTtlMs: options['authentication-token-webhook-cache-ttl'],
      clock,
      log,
    }),
    authorizer: createAuthorizer({
      reviewer: createAccessReviewer(authorizationRest, metrics.onAccessReview),
      // The flag adds: without the health paths, probes would need a right.
      alwaysAllowPaths: [...healthPaths, ...options['authorization-always-allow-paths']],
      allowedTtlMs: options['authorization-webhook-cache-authorized-ttl'],
      deniedTtlMs: options['authorization-webhook-cache-unauthorized-ttl'],
      staleAllowMs: options['authorization-webhook-stale-allow-duration'],
      clock,
      log,
    }),
    trustKnown: () => options['authentication-tolerate-lookup-failure'] || settings.ready(),
    tls: () => serving.current(),
    onTlsChange(listener) {
      // It is the current pair only when the listener has taken it.
      serving.onChange(listener);
    },
    run: (signal) => configMap?.run(signal) ?? Promise.resolve(),
  };

  async function restFor(kubeconfig: string | undefined): Promise<RestClient> {
    if (kubeconfig === undefined) return rest;
    const apiServer: ApiServer = await kubeconfigApiServer(kubeconfig, clock, log);
    return rooms.use(createRestClient(apiServer, metrics.onRequest, resolve));
  }
}

function requestHeaderFlags(options: Options): RequestHeaderFlags | undefined {
  const clientCaFile = options['requestheader-client-ca-file'];
  if (clientCaFile === undefined) return undefined;
  return {
    clientCaFile,
    allowedNames: options['requestheader-allowed-names'],
    headers: {
      username: options['requestheader-username-headers'],
      uid: options['requestheader-uid-headers'],
      group: options['requestheader-group-headers'],
      extraPrefix: options['requestheader-extra-headers-prefix'],
    },
  };
}

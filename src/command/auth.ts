/** Wires up who callers are, what they may do, and which certificates both sides show. */
import { type Authenticator, createAuthenticator } from '../auth/authenticator.ts';
import { type Authorizer, createAuthorizer } from '../auth/authorizer.ts';
import { authenticationConfigMap } from '../auth/configmap.ts';
import { anonymousReviewsInFlight } from '../auth/userreviewlimit.ts';
import { createRefusals, type Refusals } from '../auth/refusals.ts';
import { createSettings, type RequestHeaderFlags } from '../auth/settings.ts';
import { queuedReviewsInFlight } from '../auth/tokenreviewqueue.ts';
import { createTrustWarnings } from '../auth/trustwarnings.ts';
import type { ApiServer } from '../client/apiserver.ts';
import { createInformer } from '../client/informer.ts';
import { kubeconfigApiServer } from '../client/kubeconfig.ts';
import type { ClientMetrics } from '../client/clientmetrics.ts';
import { createRestClient, type RestClient } from '../client/rest.ts';
import { createAccessReviewer, createTokenReviewer } from '../client/reviews.ts';
import type { Clock } from '../clock.ts';
import type { Resolve } from '../dns/address.ts';
import type { Logger } from '../logging.ts';
import type { Options } from '../options/flags.ts';
import { healthPaths } from '../server/health.ts';
import type { ServerTls } from '../server/tlscontext.ts';
import { createServingCertificate } from '../tls/servingcertificate.ts';

export interface AuthOptions {
  readonly options: Options;
  /** kube-apiserver, where no other kubeconfig is given, and a client for all but reviews. */
  readonly apiServer: ApiServer;
  readonly rest: RestClient;
  /** Finds the addresses of other kubeconfigs' servers. Unset: with the system's configuration. */
  readonly resolve?: Resolve | undefined;
  readonly metrics: ClientMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Closes what is opened here. */
  readonly disposables: AsyncDisposableStack;
}

export interface Auth {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly refusals: Refusals;
  /** Whether it is known whom to trust. */
  trustKnown(): boolean;
  tls(): ServerTls;
  onTlsChange(listener: (tls: ServerTls) => void): void;
  /** Follows the authentication ConfigMap until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Connections for reviews, each kind of its own: what strangers cause, and what hangs, holds up no other kind. Of users, 32 hold four whose
 * reviews all hang.
 */
const knownTokenConnections = 16;
const userConnections = 32;
/** How long a connection for a review may take, in milliseconds: while kube-apiserver is away packets may vanish, and a new try finds it sooner. */
const reviewConnectTimeoutMs = 2_000;

/** @throws Error when a file that a flag names is not good. */
export async function createAuth(auth: AuthOptions): Promise<Auth> {
  const { options, metrics, clock, log, disposables } = auth;
  const authentication = await serverFor(options['authentication-kubeconfig']);
  const authorization = await serverFor(options['authorization-kubeconfig']);
  const refusals = createRefusals(clock, log);
  const configMap = options['authentication-skip-lookup']
    ? undefined
    : createInformer({ rest: authentication.rest, clock, log, ...authenticationConfigMap });
  const settings = disposables.use(
    await createSettings({
      source: configMap,
      clientCaFile: options['client-ca-file'],
      requestHeader: requestHeaderFlags(options),
      clock,
      log,
    }),
  );
  const warnOfTrust = createTrustWarnings(log);
  warnOfTrust(settings.current());
  settings.onChange(warnOfTrust);
  const serving = disposables.use(
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
      reviewer: createTokenReviewer(connectionsTo(authentication, knownTokenConnections), metrics.onTokenReview),
      unknownTokenReviewer: createTokenReviewer(
        connectionsTo(authentication, queuedReviewsInFlight),
        metrics.onTokenReview,
      ),
      tokenTtlMs: options['authentication-token-webhook-cache-ttl'],
      clock,
      refusals,
    }),
    authorizer: createAuthorizer({
      reviewer: createAccessReviewer(connectionsTo(authorization, userConnections), metrics.onAccessReview),
      anonymousReviewer: createAccessReviewer(
        connectionsTo(authorization, anonymousReviewsInFlight),
        metrics.onAccessReview,
      ),
      // The flag adds: without the health paths, probes would need a right.
      alwaysAllowPaths: [...healthPaths, ...options['authorization-always-allow-paths']],
      allowedTtlMs: options['authorization-webhook-cache-authorized-ttl'],
      deniedTtlMs: options['authorization-webhook-cache-unauthorized-ttl'],
      staleAllowMs: options['authorization-webhook-stale-allow-duration'],
      isAfterOutage: authorization.rest.outage.isRecent,
      clock,
      refusals,
      log,
    }),
    refusals,
    trustKnown: () => options['authentication-tolerate-lookup-failure'] || settings.ready(),
    tls: () => serving.current(),
    onTlsChange(listener) {
      // It is the current pair only when the listener has taken it.
      serving.onChange(listener);
    },
    run: (signal) => configMap?.run(signal) ?? Promise.resolve(),
  };

  async function serverFor(kubeconfig: string | undefined): Promise<Reached> {
    if (kubeconfig === undefined) return auth;
    const apiServer = await kubeconfigApiServer(kubeconfig, clock, log);
    const rest = disposables.use(createRestClient(apiServer, { onRequest: metrics.onRequest, resolve: auth.resolve }));
    return { apiServer, rest };
  }

  function connectionsTo({ apiServer, rest }: Reached, connections: number): RestClient {
    const { outage } = rest;
    const limits = { connections, connectTimeoutMs: reviewConnectTimeoutMs };
    const { onRequest } = metrics;
    return disposables.use(createRestClient(apiServer, { onRequest, resolve: auth.resolve, outage, ...limits }));
  }
}

/** A kube-apiserver and the client that informers use. */
type Reached = Pick<AuthOptions, 'apiServer' | 'rest'>;

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

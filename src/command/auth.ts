/** Builds authentication, authorization and the serving certificate. */
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
import type { PodRoot } from '../tls/podroot.ts';
import { createServingCertificate } from '../tls/servingcertificate.ts';
import { failsAs } from './failure.ts';
import type { ServerPod } from './serverpod.ts';

export interface AuthOptions {
  readonly options: Options;
  /** For reviews, unless a flag names another kubeconfig, and for all other requests. */
  readonly apiServer: ApiServer;
  readonly rest: RestClient;
  /** The pod that this process runs in; undefined elsewhere. */
  readonly pod?: ServerPod | undefined;
  /** False in the second process of a pod: the folder of --cert-dir has the certificate of the first. Default: true. */
  readonly keepsFiles?: boolean;
  /** Default: the system's. */
  readonly resolve?: Resolve | undefined;
  readonly metrics: ClientMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly disposables: AsyncDisposableStack;
}

export interface Auth {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly refusals: Refusals;
  /** Reports whether the CAs for clients and front proxies are known. */
  trustKnown(): boolean;
  /** The root of this pod's serving certificates; undefined outside of a pod and with --tls-cert-file. */
  readonly root: PodRoot | undefined;
  tls(): ServerTls;
  onTlsChange(listener: (tls: ServerTls) => void): void;
  run(signal: AbortSignal): Promise<void>;
}

/** For reviews. Each kind has its own, so that hanging reviews delay no other kind; 32 are enough for four users all of whose reviews hang. */
const knownTokenConnections = 16;
const userConnections = 32;
/** While kube-apiserver is down packets may be lost, and a retry reaches it sooner. */
const reviewConnectTimeoutMs = 2_000;

/** @throws Error where a flag's file cannot be used. */
export async function createAuth(auth: AuthOptions): Promise<Auth> {
  const { options, pod, keepsFiles = true, metrics, clock, log, disposables } = auth;
  const authentication = await serverFor(auth, options['authentication-kubeconfig']);
  const authorization = await serverFor(auth, options['authorization-kubeconfig']);
  const refusals = createRefusals(clock, log);
  const configMap = options['authentication-skip-lookup']
    ? undefined
    : createInformer({ rest: authentication.rest, clock, log, ...authenticationConfigMap });
  const settings = disposables.use(
    await failsAs('ClientCaUnusable', () =>
      createSettings({
        source: configMap,
        clientCaFile: options['client-ca-file'],
        requestHeader: requestHeaderFlags(options),
        clock,
        log,
      }),
    ),
  );
  const warnOfTrust = createTrustWarnings(log);
  warnOfTrust(settings.current());
  settings.onChange(warnOfTrust);
  const serving = disposables.use(
    await failsAs('ServingCertificateUnusable', () =>
      createServingCertificate({
        certFile: options['tls-cert-file'],
        keyFile: options['tls-private-key-file'],
        certDir: keepsFiles ? options['cert-dir'] : '',
        names: [],
        pod: pod && { ...pod, lifeMs: options['serving-certificate-duration'] },
        verifiedName: pod && `${pod.service.name}.${pod.service.namespace}.svc`,
        clock,
        log,
      }),
    ),
  );
  return {
    authenticator: createAuthenticator({
      settings,
      reviewer: createTokenReviewer(connectionsTo(auth, authentication, knownTokenConnections), metrics.onTokenReview),
      unknownTokenReviewer: createTokenReviewer(
        connectionsTo(auth, authentication, queuedReviewsInFlight),
        metrics.onTokenReview,
      ),
      tokenTtlMs: options['authentication-token-webhook-cache-ttl'],
      clock,
      refusals,
    }),
    authorizer: await failsAs('InvalidFlagValue', () =>
      createAuthorizer({
        reviewer: createAccessReviewer(connectionsTo(auth, authorization, userConnections), metrics.onAccessReview),
        anonymousReviewer: createAccessReviewer(
          connectionsTo(auth, authorization, anonymousReviewsInFlight),
          metrics.onAccessReview,
        ),
        // The flag adds to the health paths: without them, probes would need a right.
        alwaysAllowPaths: [...healthPaths, ...options['authorization-always-allow-paths']],
        allowedTtlMs: options['authorization-webhook-cache-authorized-ttl'],
        deniedTtlMs: options['authorization-webhook-cache-unauthorized-ttl'],
        staleAllowMs: options['authorization-webhook-stale-allow-duration'],
        isAfterOutage: authorization.rest.outage.isRecent,
        clock,
        refusals,
        log,
      }),
    ),
    refusals,
    trustKnown: () => options['authentication-tolerate-lookup-failure'] || settings.ready(),
    root: serving.root,
    tls: () => serving.current(),
    onTlsChange(listener) {
      // A new pair is current only if the listener accepts it.
      serving.onChange(listener);
    },
    run: (signal) => configMap?.run(signal) ?? Promise.resolve(),
  };
}

type ReviewServer = Pick<AuthOptions, 'apiServer' | 'rest'>;

async function serverFor(auth: AuthOptions, kubeconfig: string | undefined): Promise<ReviewServer> {
  if (kubeconfig === undefined) return auth;
  const { metrics, resolve, clock, log, disposables } = auth;
  const apiServer = await failsAs('KubeconfigUnusable', () => kubeconfigApiServer(kubeconfig, clock, log));
  const rest = disposables.use(createRestClient(apiServer, { onRequest: metrics.onRequest, resolve }));
  return { apiServer, rest };
}

function connectionsTo(auth: AuthOptions, { apiServer, rest }: ReviewServer, connections: number): RestClient {
  const { metrics, resolve, disposables } = auth;
  return disposables.use(
    createRestClient(apiServer, {
      onRequest: metrics.onRequest,
      resolve,
      outage: rest.outage,
      connections,
      connectTimeoutMs: reviewConnectTimeoutMs,
    }),
  );
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

/** Connects by a kubeconfig; its parser is imported only then. */
import { untilAborted } from '../abort.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { ApiServer, TlsMaterial } from './apiserver.ts';
import type { TrustLog } from '../tls/trustbundle.ts';
import type { PluginCertificate } from './execplugin.ts';
import type { KubeconfigContext } from './kubeconfigcontext.ts';

/** A slower exec plugin hangs; it may wait for a user or identity provider. */
const credentialsLimitMs = 60_000;

/** Limits how often an exec plugin runs while a server keeps answering 401. */
const refreshIntervalMs = 10_000;

/**
 * Supports certificates, tokens, exec plugins, OIDC and basic auth. Rejects proxy-url, impersonation and other
 * auth-providers.
 * @param contextName Default: the current context. It stays when the file is read again: credentials of another context are for another server.
 * @throws Error that names the file, the fault and the remedy.
 */
export async function kubeconfigApiServer(
  file: string,
  clock: Clock = systemClock,
  log?: TrustLog,
  contextName?: string,
): Promise<ApiServer> {
  // Takes 25 ms, which a pod with a ServiceAccount must not pay.
  const { readContext } = await import('./kubeconfigcontext.ts');
  let context = load(contextName);
  const { name, namespace } = context;
  let loadedAtMs = clock.monotonicMs();
  let pending: Promise<string | undefined> | undefined;
  let material: TlsMaterial = context.material(undefined);
  let presented: PluginCertificate | undefined;
  return {
    url: context.server,
    context: name,
    ...(namespace === undefined ? {} : { contextNamespace: namespace }),
    tls,
    authorization,
    refresh,
  };

  function load(wanted: string | undefined): KubeconfigContext {
    return readContext(file, clock, log, wanted);
  }

  function tls(): TlsMaterial {
    const current = context.material(presented);
    if (!same(current, material)) material = current;
    return material;
  }

  function authorization(): Promise<string | undefined> {
    pending ??= authorize().finally(() => {
      pending = undefined;
    });
    return pending;
  }

  async function authorize(): Promise<string | undefined> {
    const deadline = AbortSignal.timeout(credentialsLimitMs);
    const credentials = await untilAborted(context.credentials(deadline), deadline).catch((cause: unknown) => {
      if (!deadline.aborted) throw cause;
      throw new Error(
        `no credentials by the kubeconfig ${file} within ${credentialsLimitMs} ms; does its exec plugin or identity provider hang?`,
        { cause },
      );
    });
    presented = credentials.presented;
    return credentials.authorization;
  }

  /** Reads new tokens, and drops an exec plugin's cached credentials. */
  function refresh(): void {
    if (clock.monotonicMs() - loadedAtMs < refreshIntervalMs) return;
    loadedAtMs = clock.monotonicMs();
    try {
      context = load(name);
    } catch {
      // The file may be half-written; the next 401 retries.
    }
  }
}

function same(a: TlsMaterial, b: TlsMaterial): boolean {
  const trust = a.ca === b.ca && a.servername === b.servername && a.rejectUnauthorized === b.rejectUnauthorized;
  return trust && a.cert === b.cert && a.key === b.key;
}

/** The API server of a kubeconfig; only a process that is given one pays for the library that reads it. */
import { untilAborted } from '../abort.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { ApiServer, TlsMaterial } from './apiserver.ts';
import type { TrustLog } from '../tls/trustbundle.ts';
import { type KubeconfigContext, type PluginCertificate, readContext } from './kubeconfigcontext.ts';

/** An exec plugin may ask a person or a slow identity provider; longer than this, it hangs. */
const credentialsLimitMs = 60_000;

/** A server that keeps answering 401 must not make us run an exec plugin for each request. */
const refreshIntervalMs = 10_000;

/**
 * The API server of the current context: certificates, tokens, exec plugins, OIDC, basic auth.
 * A proxy-url and impersonation (as) are refused: both would be silently left out otherwise.
 * @throws Error that names the file, what is wrong in it and what to do.
 */
export async function kubeconfigApiServer(
  file: string,
  clock: Clock = systemClock,
  log?: TrustLog,
): Promise<ApiServer> {
  // Importing it costs 0.7 s and 60-80 MB, which a pod with a ServiceAccount must not pay.
  const library = await import('@kubernetes/client-node');
  let context = load();
  let loadedAtMs = clock.monotonicMs();
  let pending: Promise<string | undefined> | undefined;
  let material: TlsMaterial = context.material(undefined);
  let presented: PluginCertificate | undefined;
  return { url: context.server, tls, authorization, refresh };

  function load(): KubeconfigContext {
    return readContext(file, library, clock, log);
  }

  function tls(): TlsMaterial {
    const current = context.material(presented);
    if (!same(current, material)) material = current;
    return material;
  }

  /** All who ask while an exec plugin runs wait for that one run. */
  function authorization(): Promise<string | undefined> {
    pending ??= authorize().finally(() => {
      pending = undefined;
    });
    return pending;
  }

  async function authorize(): Promise<string | undefined> {
    const used = context;
    const deadline = AbortSignal.timeout(credentialsLimitMs);
    const credentials = await untilAborted(used.credentials(), deadline).catch((cause: unknown) => {
      // client-node waits for the plugin that it has started for as long as it lives; the next try gets a new one.
      if (!deadline.aborted) throw cause;
      if (context === used) context = load();
      throw new Error(
        `no credentials by the kubeconfig ${file} within ${credentialsLimitMs} ms; does its exec plugin hang?`,
        { cause },
      );
    });
    presented = credentials.presented;
    return credentials.authorization;
  }

  /** Reads the file again: it may have a new token in it, and an exec plugin's old answer is forgotten with the old context. */
  function refresh(): void {
    if (clock.monotonicMs() - loadedAtMs < refreshIntervalMs) return;
    loadedAtMs = clock.monotonicMs();
    try {
      context = load();
    } catch {
      // Somebody is writing the file; what we have was good once, and the next 401 brings us here again.
    }
  }
}

function same(a: TlsMaterial, b: TlsMaterial): boolean {
  const trust = a.ca === b.ca && a.servername === b.servername && a.rejectUnauthorized === b.rejectUnauthorized;
  return trust && a.cert === b.cert && a.key === b.key;
}

/** Whom to trust for what, and in which headers a front proxy names the user: from flags, else from kube-apiserver's ConfigMap. */
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { poll } from '../tls/poll.ts';
import type { TrustBundle } from '../tls/trustbundle.ts';
import { watchTrustFile } from '../tls/trustfile.ts';
import { type ConfigMapSource, followConfigMap } from './configmap.ts';
import type { HeaderNames, RequestHeaderSettings } from './requestheader.ts';

export interface AuthenticationSettings {
  /** CAs of client certificates; undefined where client certificates say nothing. */
  readonly clientCa: TrustBundle | undefined;
  /** Undefined where no front proxy is trusted. */
  readonly requestHeader: RequestHeaderSettings | undefined;
}

export interface SettingsOptions {
  /** Undefined where the ConfigMap is not to be read (--authentication-skip-lookup). */
  readonly source: ConfigMapSource | undefined;
  /** --client-ca-file: replaces what the ConfigMap says of client certificates; empty is unset. */
  readonly clientCaFile?: string | undefined;
  /** The --requestheader flags, if there is a --requestheader-client-ca-file: replaces what the ConfigMap says of front proxies. */
  readonly requestHeader?: RequestHeaderFlags | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface RequestHeaderFlags {
  readonly clientCaFile: string;
  readonly allowedNames: readonly string[];
  readonly headers: HeaderNames;
}

export interface SettingsHolder extends Disposable {
  /** A new object whenever something changes. */
  current(): AuthenticationSettings;
  onChange(listener: (settings: AuthenticationSettings) => void): void;
  /** Whether it is known whom to trust: once the ConfigMap was read, or at once where flags say all. */
  ready(): boolean;
}

/** How often CA files are read again. */
const filesIntervalMs = 60_000;

/** @throws Error when a file that a flag names is not good. */
export async function createSettings(options: SettingsOptions): Promise<SettingsHolder> {
  const { source, clock, log } = options;
  const flags = options.requestHeader?.clientCaFile === '' ? undefined : options.requestHeader;
  const clientCa = options.clientCaFile ? watchTrustFile(options.clientCaFile, log) : undefined;
  const requestHeaderCa = flags === undefined ? undefined : watchTrustFile(flags.clientCaFile, log);
  const configMap = source === undefined ? undefined : followConfigMap(source, publish, log);
  let flagged: RequestHeaderSettings | undefined;
  let current = compose();
  const listeners: ((settings: AuthenticationSettings) => void)[] = [];
  const stopped = new AbortController();
  for (const file of [clientCa, requestHeaderCa]) {
    if (file === undefined) continue;
    const look = async () => {
      file.reload();
      publish();
    };
    const complain = (error: unknown) =>
      log.warn({ err: error }, 'keeps the CAs that it has; the new ones are not good');
    void poll(look, { intervalMs: filesIntervalMs, clock, complain }, stopped.signal);
  }

  return {
    current: () => current,
    onChange: (listener) => void listeners.push(listener),
    ready: () => source === undefined || (clientCa !== undefined && flags !== undefined) || source.synced(),
    [Symbol.dispose]: () => stopped.abort(),
  };

  function compose(): AuthenticationSettings {
    return {
      clientCa: clientCa?.read() ?? configMap?.clientCa(),
      requestHeader: fromFlags() ?? configMap?.requestHeader(),
    };
  }

  function fromFlags(): RequestHeaderSettings | undefined {
    if (flags === undefined || requestHeaderCa === undefined) return undefined;
    const ca = requestHeaderCa.read();
    if (flagged?.ca !== ca) flagged = { ca, allowedNames: flags.allowedNames, headers: flags.headers };
    return flagged;
  }

  function publish(): void {
    const next = compose();
    if (next.clientCa === current.clientCa && next.requestHeader === current.requestHeader) return;
    current = next;
    for (const listener of listeners) listener(next);
  }
}

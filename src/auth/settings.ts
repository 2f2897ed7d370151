/** Composes trusted CAs and headers: flags, otherwise kube-apiserver's ConfigMap. */
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { poll } from '../tls/poll.ts';
import type { TrustBundle } from '../tls/trustbundle.ts';
import { watchTrustFile } from '../tls/trustfile.ts';
import { type ConfigMapSource, followConfigMap } from './configmap.ts';
import type { HeaderNames, RequestHeaderSettings } from './requestheader.ts';

export interface AuthenticationSettings {
  /** Undefined accepts no client certificates. */
  readonly clientCa: TrustBundle | undefined;
  /** Undefined trusts no front proxy. */
  readonly requestHeader: RequestHeaderSettings | undefined;
}

export interface SettingsOptions {
  /** Undefined for --authentication-skip-lookup. */
  readonly source: ConfigMapSource | undefined;
  /** --client-ca-file; overrides the ConfigMap unless empty. */
  readonly clientCaFile?: string | undefined;
  /** The --requestheader flags; with --requestheader-client-ca-file they override the ConfigMap. */
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
  /** A new object after each change. */
  current(): AuthenticationSettings;
  onChange(listener: (settings: AuthenticationSettings) => void): void;
  /** The ConfigMap was read, or flags replace it. */
  ready(): boolean;
}

const filesIntervalMs = 60_000;

/** @throws Error for an unusable file of a flag. */
export async function createSettings(options: SettingsOptions): Promise<SettingsHolder> {
  const { source, clock, log } = options;
  const flags = options.requestHeader?.clientCaFile === '' ? undefined : options.requestHeader;
  const clientCa = options.clientCaFile ? watchTrustFile('--client-ca-file', options.clientCaFile, log) : undefined;
  const requestHeaderCa = flags && watchTrustFile('--requestheader-client-ca-file', flags.clientCaFile, log);
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
    const onProblem = (error: unknown) =>
      log.warn({ code: 'ClientCasNotUpdated', err: error }, 'a CA file cannot be used; its last good content is used');
    void poll(look, { intervalMs: filesIntervalMs, clock, onProblem }, stopped.signal);
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

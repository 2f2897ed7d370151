/** The flags about a PromQL engine that the server and `rules check` have in common. */
import type { Options } from '../options/flags.ts';
import type { EngineOptions } from '../promql/engine.ts';

type EngineFlags = Partial<
  Pick<
    Options,
    | 'prometheus-verb'
    | 'prometheus-header'
    | 'prometheus-ca-file'
    | 'prometheus-client-tls-cert-file'
    | 'prometheus-client-tls-key-file'
    | 'prometheus-token-file'
  >
>;

export type EngineSettings = Pick<EngineOptions, 'verb' | 'headers' | 'caFile' | 'certFile' | 'keyFile' | 'tokenFile'>;

/** Returns the settings of an engine that flags give. */
export function engineSettings(flags: EngineFlags): EngineSettings {
  return {
    verb: flags['prometheus-verb'] === 'POST' ? 'POST' : 'GET',
    headers: flags['prometheus-header'] ?? [],
    caFile: flags['prometheus-ca-file'],
    certFile: flags['prometheus-client-tls-cert-file'],
    keyFile: flags['prometheus-client-tls-key-file'],
    tokenFile: flags['prometheus-token-file'],
  };
}

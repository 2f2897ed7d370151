/** Looks a name up in DNS with search domains, then by getaddrinfo if nsswitch.conf names other sources. */
import type { Address } from './address.ts';
import { type Getaddrinfo, serialized } from './getaddrinfo.ts';
import { noAnswerFrom, query } from './query.ts';
import { candidates, hasOtherSources, parseResolvConf } from './resolvconf.ts';
import { watchSystemFile } from './systemfile.ts';

export interface SourcesOptions {
  readonly servers: readonly string[] | undefined;
  readonly resolvConfFile: string;
  readonly nsswitchFile: string;
  readonly getaddrinfo: Getaddrinfo;
}

export type SourcesResult =
  | { readonly kind: 'found'; readonly addresses: readonly Address[]; readonly ttlMs: number }
  | { readonly kind: 'absent' | 'failed'; readonly reason: string };

/**
 * @param first whether to use the queue of kube-apiserver's name.
 * @param onStep gets what is awaited, for the error of callers that leave.
 */
export type FindInSources = (
  name: string,
  first: boolean,
  signal: AbortSignal,
  onStep: (awaited: string) => void,
) => Promise<SourcesResult>;

export function createSources({ servers, resolvConfFile, nsswitchFile, getaddrinfo }: SourcesOptions): FindInSources {
  const resolvConf = watchSystemFile(resolvConfFile, parseResolvConf);
  const otherSources = watchSystemFile(nsswitchFile, hasOtherSources);
  // getaddrinfo may hang, so kube-apiserver's name has its own.
  const queues = { first: serialized(getaddrinfo), other: serialized(getaddrinfo) };
  let rotation = 0;
  return find;

  async function find(
    name: string,
    first: boolean,
    signal: AbortSignal,
    onStep: (awaited: string) => void,
  ): Promise<SourcesResult> {
    const conf = resolvConf();
    const ordered = rotated(servers ?? conf.servers, conf.rotate);
    const usesSystem = process.platform !== 'linux' || otherSources();
    let failure: string | undefined;
    // DNS has no mDNS names (RFC 6762), except in clusters that use .local.
    if (!(usesSystem && /^[^.]+\.local\.?$/.test(name))) {
      onStep(noAnswerFrom(ordered));
      for (const candidate of candidates(name, conf)) {
        const result = await query(candidate, { servers: ordered, families: conf.noAaaa ? [4] : [4, 6] }, signal);
        if (result.kind === 'found') return result;
        if (result.kind === 'failed') failure ??= result.reason;
        if (signal.aborted) break;
      }
    }
    if (failure === undefined && usesSystem && !signal.aborted) {
      onStep("no answer from the system's resolver");
      const addresses = await queues[first ? 'first' : 'other'](name, signal);
      if (addresses.length > 0) return { kind: 'found', addresses, ttlMs: 0 };
    }
    if (failure !== undefined) return { kind: 'failed', reason: failure };
    const where = usesSystem ? 'any source' : 'the hosts file and DNS';
    return { kind: 'absent', reason: `there is no such name in ${where}` };
  }

  function rotated(all: readonly string[], rotate: boolean): readonly string[] {
    if (!rotate) return all;
    rotation = (rotation + 1) % all.length;
    return [...all.slice(rotation), ...all.slice(0, rotation)];
  }
}

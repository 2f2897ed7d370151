/** The only state of `dns/` that no object owns. */
import { createResolver, type Resolver } from './resolver.ts';
import { parseResolvConf } from './resolvconf.ts';
import { watchSystemFile } from './systemfile.ts';

let shared: Resolver | undefined;

/** Returns the system's resolver; its shared cache has one look-up and one last known good address per name. */
export function systemResolver(): Resolver {
  shared ??= createResolver();
  return shared;
}

/** Returns the search domains of the system's resolv.conf now. */
export function systemSearchDomains(): readonly string[] {
  return watchSystemFile('/etc/resolv.conf', parseResolvConf)().search;
}

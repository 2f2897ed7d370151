/** The resolver of the thread, with the system's configuration: the only mutable state of `dns/` that no object owns. */
import { createResolver, type Resolver } from './resolver.ts';

let shared: Resolver | undefined;

/**
 * Returns the resolver that all clients of the thread share. With one each, a name would be looked up once per client, and kube-apiserver's name would be in several
 * caches with different last known good addresses. Workers ask the main thread instead.
 */
export function systemResolver(): Resolver {
  shared ??= createResolver();
  return shared;
}

/** The only state of `dns/` that no object owns. */
import { createResolver, type Resolver } from './resolver.ts';

let shared: Resolver | undefined;

/** Returns the resolver with the system's configuration. All clients share its cache, so that a name is looked up once, and has one last known good address. */
export function systemResolver(): Resolver {
  shared ??= createResolver();
  return shared;
}

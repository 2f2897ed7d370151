/** The only state of `dns/` that no object owns. */
import { createResolver, type Resolver } from './resolver.ts';

let shared: Resolver | undefined;

/** Returns the system's resolver; its shared cache has one look-up and one last known good address per name. */
export function systemResolver(): Resolver {
  shared ??= createResolver();
  return shared;
}

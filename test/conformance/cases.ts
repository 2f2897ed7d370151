/** All cases by their group. */
import type { Case } from './case.ts';
import { authentication } from './cases/authentication.ts';
import { authorization } from './cases/authorization.ts';
import { discovery } from './cases/discovery.ts';
import { health } from './cases/health.ts';
import { negotiation } from './cases/negotiation.ts';
import { parameters } from './cases/parameters.ts';
import { protocol } from './cases/protocol.ts';
import { reads } from './cases/reads.ts';
import { tls } from './cases/tls.ts';
import { trust } from './cases/trust.ts';

export const groups: ReadonlyMap<string, readonly Case[]> = new Map([
  ['discovery', discovery],
  ['health', health],
  ['authentication', authentication],
  ['trust', trust],
  ['authorization', authorization],
  ['reads', reads],
  ['parameters', parameters],
  ['negotiation', negotiation],
  ['tls', tls],
  ['protocol', protocol],
]);

/** Returns the name of a case in reports and in gaps.ts. */
export const titleOf = (group: string, { statements, name }: Case): string =>
  `${group} ${statements.join(',')}: ${name}`;

/** How many statements section 8 of the wire contract has. */
export const statementCount = 130;

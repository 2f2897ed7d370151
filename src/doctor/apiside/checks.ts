/** The checks of the way from kube-apiserver to us. */
import type { Check } from '../check.ts';
import { apiServicesCheck } from './apiservices.ts';
import { caBundleCheck } from './cabundle.ts';
import { frontProxyCheck } from './frontproxy.ts';
import { installationsCheck } from './installations.ts';
import { namespacesCheck } from './namespaces.ts';
import { networkPoliciesCheck } from './networkpolicies.ts';
import { rightsCheck } from './rightscheck.ts';
import { serviceCheck } from './service.ts';

export const apiSideChecks: readonly Check[] = [
  apiServicesCheck,
  serviceCheck,
  caBundleCheck,
  rightsCheck,
  frontProxyCheck,
  networkPoliciesCheck,
  installationsCheck,
  namespacesCheck,
];

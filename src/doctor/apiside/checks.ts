/** The checks of the way from kube-apiserver to us. */
import type { Check } from '../check.ts';
import { apiServicesCheck } from './apiservices.ts';

export const apiSideChecks: readonly Check[] = [apiServicesCheck];

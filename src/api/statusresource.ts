/** The paths of the server's own report. */
import { group } from './types.ts';

/** The report on the server itself: a non-resource URL. */
export const statusPath = '/status';

/**
 * The same report as a resource, for clients behind kube-apiserver, which passes the user on for paths of the API
 * only. It is in no discovery document. Names of Kubernetes' resources have no underscore.
 */
export const statusResource = { group, version: 'v1beta1', resource: 'kubegauge_status' } as const;

export const statusResourcePath = `/apis/${statusResource.group}/${statusResource.version}/${statusResource.resource}`;

/** kube-apiserver's audit log of the test cluster: which rights of the server's accounts were used. */
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Settings } from './settings.ts';

const namespace = 'kube-system';
const serverUser = `system:serviceaccount:${namespace}:kubegauge`;
const kubeletUser = `system:serviceaccount:${namespace}:kubegauge-kubelets`;

export const auditPolicyFile = (settings: Settings): string => path.join(settings.runFolder, 'audit-policy.json');
const auditLogFile = (settings: Settings): string => path.join(settings.runFolder, 'logs/audit.log');

/** Megabytes; a log that rotates would lose what a run has used. */
const logLimit = 2_000;

export function auditArgs(settings: Settings): string[] {
  return [
    `--audit-policy-file=${auditPolicyFile(settings)}`,
    `--audit-log-path=${auditLogFile(settings)}`,
    `--audit-log-maxsize=${logLimit}`,
  ];
}

/**
 * The server's accounts, the reviews that tell what else they are allowed (by kubelets and by the server itself), and who reads metrics. Bodies of
 * SubjectAccessReviews only: those of TokenReviews and TokenRequests hold tokens.
 */
export function auditPolicy(): object {
  const reviews = [{ group: 'authorization.k8s.io', resources: ['subjectaccessreviews'] }];
  return {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [
      { level: 'RequestResponse', userGroups: ['system:nodes'], resources: reviews },
      { level: 'RequestResponse', users: [serverUser], resources: reviews },
      { level: 'Metadata', users: [serverUser, kubeletUser] },
      { level: 'Metadata', resources: [{ group: 'metrics.k8s.io' }] },
      { level: 'None' },
    ],
  };
}

/** A right that an account has used, or has tried to use. */
export interface Use {
  readonly account: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly isAllowed: boolean;
  /** The role that allowed it, as in `Right.by`; undefined if it is not known. */
  readonly by: string | undefined;
}

/** Reads all uses since a moment, in milliseconds since the epoch. Equal ones are one. */
export async function readUses(settings: Settings, sinceMs: number): Promise<Use[]> {
  const uses = new Map<string, Use>();
  for await (const line of createInterface({ input: createReadStream(auditLogFile(settings)) })) {
    const event = JSON.parse(line) as AuditEvent;
    if (Date.parse(event.requestReceivedTimestamp) < sinceMs) continue;
    for (const use of usesOf(event)) uses.set(JSON.stringify(use), use);
  }
  return [...uses.values()];
}

export interface AuditEvent {
  readonly requestReceivedTimestamp: string;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: ObjectRef;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly requestObject?: { readonly spec?: ReviewSpec };
  readonly responseObject?: { readonly status?: { readonly allowed?: boolean; readonly reason?: string } };
}

interface ObjectRef {
  readonly apiGroup?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

interface ReviewSpec {
  readonly user?: string;
  readonly resourceAttributes?: ObjectRef & { readonly verb: string; readonly group?: string };
  readonly nonResourceAttributes?: { readonly path: string; readonly verb: string };
}

/** An event is a use by its own user; a review is also one by the user that it is about. */
export function usesOf(event: AuditEvent): Use[] {
  const { user, verb, objectRef, annotations = {}, requestURI } = event;
  const decision = {
    isAllowed: annotations['authorization.k8s.io/decision'] === 'allow',
    by: roleIn(annotations['authorization.k8s.io/reason']),
  };
  const account = accountOf(user.username, objectRef?.apiGroup);
  const own =
    account === undefined
      ? []
      : [
          {
            account,
            verb,
            ...targetOf(objectRef ?? { resource: new URL(requestURI, 'https://x').pathname }),
            ...decision,
          },
        ];
  return [...own, ...reviewed(event)];
}

function reviewed({ objectRef, requestObject, responseObject }: AuditEvent): Use[] {
  const { user = '', resourceAttributes, nonResourceAttributes } = requestObject?.spec ?? {};
  const account = accountOf(user, resourceAttributes?.group);
  if (objectRef?.resource !== 'subjectaccessreviews' || account === undefined) return [];
  const { allowed = false, reason } = responseObject?.status ?? {};
  const decision = { isAllowed: allowed, by: roleIn(reason) };
  if (nonResourceAttributes !== undefined) {
    const { path: resource, verb } = nonResourceAttributes;
    return [{ account, verb, ...targetOf({ resource }), ...decision }];
  }
  if (resourceAttributes === undefined) return [];
  const { verb, group = '' } = resourceAttributes;
  return [{ account, verb, ...targetOf({ ...resourceAttributes, apiGroup: group }), ...decision }];
}

/** Name of the account in docs/permissions.md. Everybody else counts as a user of the metrics, and as nothing elsewhere. */
function accountOf(username: string, group: string | undefined): string | undefined {
  if (username === serverUser) return 'kubegauge';
  if (username === kubeletUser) return 'kubegauge-kubelets';
  return group === 'metrics.k8s.io' ? 'users' : undefined;
}

function targetOf({ apiGroup = '', resource = '', subresource = '', namespace = '', name = '' }: ObjectRef) {
  return { group: apiGroup, resource: subresource === '' ? resource : `${resource}/${subresource}`, namespace, name };
}

/** `RBAC: allowed by RoleBinding "binding/namespace" of Role "name" to ...`; of ClusterRoles the binding has no namespace. */
function roleIn(reason = ''): string | undefined {
  const { inNamespace, kind, role } =
    /allowed by \w+ "[^"/]+(?:\/(?<inNamespace>[^"]+))?" of (?<kind>Role|ClusterRole) "(?<role>[^"]+)"/.exec(reason)
      ?.groups ?? {};
  if (role === undefined) return undefined;
  return kind === 'Role' ? `Role ${inNamespace}/${role}` : `ClusterRole ${role}`;
}

/** Rights as text: from the tables of docs/permissions.md and from rules of roles, to compare them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { V1PolicyRule } from '@kubernetes/client-node';

export interface Right {
  readonly account: string;
  readonly verb: string;
  /** Empty for the core group and for paths. */
  readonly group: string;
  /** With its subresource, or a path that begins with a slash. */
  readonly resource: string;
  /** As <namespace>/<name>, or <name> of what has no namespace; empty for all. */
  readonly only: string;
  /** The role: `ClusterRole <name>` or `Role <namespace>/<name>`. */
  readonly by: string;
}

export interface PermissionRow {
  readonly rights: readonly Right[];
  /** Whether the row says that nothing uses it. */
  readonly isUnused: boolean;
}

const permissionsFile = path.resolve(import.meta.dirname, '../../docs/permissions.md');

/** Reads the table below a heading. @throws Error if there is none, or if a row lacks a cell. */
export function readPermissions(heading: string, text = readFileSync(permissionsFile, 'utf8')): PermissionRow[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/permissions.md has no section "${heading}"`);
  const [, , ...rows] = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.map(parseRow);
}

function parseRow(line: string): PermissionRow {
  const cells = line.split('|').slice(1, -1);
  const [account = '', verbs = '', group = '', resources = '', only = '', by = '', used = ''] = cells.map((cell) =>
    cell.replaceAll('`', '').trim(),
  );
  if (cells.length !== 8 || [account, verbs, resources, by, used].includes(''))
    throw new Error(`a cell lacks: ${line}`);
  const rights = words(verbs).flatMap((verb) =>
    words(resources).flatMap((resource) =>
      words(only, ['']).map((name) => ({ account, verb, group, resource, only: name, by })),
    ),
  );
  return { rights, isUnused: used.startsWith('never') };
}

/** Splits at commas. */
function words(text: string, none: readonly string[] = []): readonly string[] {
  return text === '' ? none : text.split(',').map((word) => word.trim());
}

/** All rights of a role's rules. @param namespace that of a Role; what it grants is there. */
export function rightsOfRules(
  account: string,
  by: string,
  rules: readonly V1PolicyRule[],
  namespace?: string,
): readonly Right[] {
  return rules.flatMap(({ verbs, apiGroups = [], resources = [], resourceNames = [''], nonResourceURLs = [] }) =>
    verbs.flatMap((verb) => [
      ...nonResourceURLs.map((resource) => ({ account, verb, group: '', resource, only: '', by })),
      ...apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          resourceNames.map((name) => ({ account, verb, group, resource, only: inNamespace(namespace, name), by })),
        ),
      ),
    ]),
  );
}

function inNamespace(namespace: string | undefined, name: string): string {
  if (namespace === undefined) return name;
  return `${namespace}/${name === '' ? '*' : name}`;
}

/** One line, which is equal for equal rights. */
export function rightText({ account, verb, group, resource, only, by }: Right): string {
  const what = [group, resource].filter(Boolean).join(' ');
  return `${account}: ${verb} ${what}${only === '' ? '' : ` only ${only}`}, by ${by}`;
}

/** Sorted lines without duplicates. */
export const rightTexts = (rights: readonly Right[]): string[] => [...new Set(rights.map(rightText))].sort();

/** Holds the kustomizations in documents to the manifests: what they name is there, so that kustomize builds them. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { type KubernetesObject, parseObjects } from '../cluster/registration.ts';
import { documents, readDocument, root } from '../docs/documents.ts';
import { splitBlocks } from '../docs/markdown.ts';

interface Patch {
  readonly target?: { readonly kind: string; readonly name?: string };
  readonly patch?: string;
}

interface Kustomization {
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly patches?: readonly Patch[];
}

const checkout = '../kubegauge/';

const kustomizations = documents.flatMap((file) =>
  splitBlocks(readDocument(file))
    .blocks.filter(({ language, text }) => language === 'yaml' && text.includes(`${checkout}manifests/`))
    .map(({ line, text }) => ({ where: `${file}:${line}`, kustomization: parse(text) as Kustomization })),
);

function objectsOf({ resources = [], components = [] }: Kustomization): KubernetesObject[] {
  return [...resources, ...components]
    .filter((folder) => folder.startsWith(checkout))
    .flatMap((folder) => {
      const own = path.join(root, folder.slice(checkout.length));
      const files = globSync('*.yaml', { cwd: own });
      assert.ok(files.includes('kustomization.yaml'), `${folder} is a kustomization`);
      return files
        .filter((file) => file !== 'kustomization.yaml')
        .flatMap((file) => parseObjects(readFileSync(path.join(own, file), 'utf8')));
    });
}

/** Returns kind and name of what a patch changes; a patch without a target says so itself. */
function changedBy({ target, patch = '' }: Patch): { kind: string; name?: string | undefined } {
  if (target !== undefined) return target;
  const { kind, metadata } = parse(patch) as KubernetesObject;
  return { kind, name: metadata.name };
}

test('patches in kustomizations of documents change objects of the folders that they list', () => {
  assert.ok(kustomizations.length > 0);
  for (const { where, kustomization } of kustomizations) {
    const objects = objectsOf(kustomization);
    for (const patch of kustomization.patches ?? []) {
      const { kind, name } = changedBy(patch);
      const isChanged = (object: KubernetesObject) =>
        object.kind === kind && (name === undefined || object.metadata.name === name);
      assert.ok(objects.some(isChanged), `${where}: no ${kind} ${name}`);
    }
  }
});

/** Reads the kustomization that a document has for a flag, so that a test applies what a user does. */
import { parse } from 'yaml';
import { readDocument } from '../../docs/documents.ts';
import { splitBlocks } from '../../docs/markdown.ts';

export interface DocumentedKustomization {
  /** Names of folders in manifests/components. */
  readonly components: readonly string[];
  readonly patches: readonly object[];
}

const base = '../kubegauge/manifests/base';
const componentFolder = '../kubegauge/manifests/components/';

/** @throws Error unless the document has one such block, of the base and components. */
export function documentedKustomization(file: string, words: string): DocumentedKustomization {
  const found = splitBlocks(readDocument(file)).blocks.filter(
    ({ language, text }) => language === 'yaml' && text.startsWith('resources:') && text.includes(words),
  );
  const [block, ...others] = found;
  if (block === undefined || others.length > 0) throw new Error(`${file} has ${found.length} blocks with ${words}`);
  const { resources, components, patches } = parse(block.text) as Kustomization;
  if (resources.join() !== base || !components.every((component) => component.startsWith(componentFolder)))
    throw new Error(`${file}, line ${block.line}: not the base and components of it`);
  return { components: components.map((component) => component.slice(componentFolder.length)), patches };
}

interface Kustomization {
  readonly resources: readonly string[];
  readonly components: readonly string[];
  readonly patches: readonly object[];
}

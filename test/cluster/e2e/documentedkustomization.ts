/** Reads the kustomization that a document has, so that a test applies what a user does. */
import { parse } from 'yaml';
import { readDocument } from '../../docs/documents.ts';
import { type FencedBlock, splitBlocks } from '../../docs/markdown.ts';

export interface DocumentedKustomization {
  /** Names of folders in manifests/components. */
  readonly components: readonly string[];
  readonly patches: readonly object[];
  readonly configMapGenerator: readonly object[];
}

const componentFolder = 'manifests/components/';

/**
 * Reads a block of YAML that begins with `resources:`, or such a file that a block of shell writes.
 * @throws Error unless the document has one with the words, of the base and components.
 */
export function documentedKustomization(file: string, words: string): DocumentedKustomization {
  const found = splitBlocks(readDocument(file)).blocks.flatMap((block) => {
    const text = kustomizationIn(block);
    return text?.includes(words) === true ? [{ line: block.line, text }] : [];
  });
  const [block, ...others] = found;
  if (block === undefined || others.length > 0) throw new Error(`${file} has ${found.length} blocks with ${words}`);
  const { resources, components, patches, configMapGenerator = [] } = parse(block.text) as Kustomization;
  const own = components.map((component) => component.replace(/^(?:\.\.\/)+(?:kubegauge\/)?/, ''));
  if (!/^(?:\.\.\/)+(?:kubegauge\/)?manifests\/base$/.test(resources.join()) || !own.every(isComponent))
    throw new Error(`${file}, line ${block.line}: not the base and components of it`);
  return { components: own.map((component) => component.slice(componentFolder.length)), patches, configMapGenerator };
}

const isComponent = (folder: string): boolean => folder.startsWith(componentFolder);

function kustomizationIn({ language, text }: FencedBlock): string | undefined {
  if (language === 'yaml' && text.startsWith('resources:')) return text;
  if (language !== 'sh') return undefined;
  const written = /^ *cat > my-cluster\/kustomization\.yaml <<'?END'?\n(.*?)^ *END$/ms.exec(text)?.[1];
  // The image is the user's.
  return written?.replace(/^images: .*$/m, '');
}

interface Kustomization {
  readonly resources: readonly string[];
  readonly components: readonly string[];
  readonly patches: readonly object[];
  readonly configMapGenerator?: readonly object[];
}

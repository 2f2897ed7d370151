/** Rules inside a ConfigMap, as `kubectl get configmap -o yaml` prints it. */
import { parseDocument } from 'yaml';
import { fileLengthLimit } from './decode.ts';

export interface EmbeddedRules {
  /** The key in the ConfigMap's data. */
  readonly key: string;
  readonly text: string;
}

/** Aliases that are followed; kubectl writes none. */
const aliasLimit = 10;

/** Returns the rules of a ConfigMap; undefined for another text. */
export function rulesInConfigMap(text: string): EmbeddedRules | undefined {
  if (text.length > fileLengthLimit || !/^ {0,8}"?kind"?: {0,8}"?ConfigMap"?/m.test(text)) return undefined;
  const data = dataIn(text);
  const entries: readonly [string, unknown][] = Object.entries(data ?? {});
  const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const [key, value] =
    texts.find(([name]) => name === 'config.yaml') ?? (texts.length === 1 ? texts[0] : undefined) ?? [];
  return key === undefined || value === undefined ? undefined : { key, text: value };
}

/** Returns undefined also for YAML that cannot be read: as a file of rules it is reported with its lines. */
function dataIn(text: string): object | undefined {
  try {
    const document = parseDocument(text, { prettyErrors: false });
    if (document.errors.length > 0) return undefined;
    const object = document.toJS({ maxAliasCount: aliasLimit }) as { readonly data?: unknown } | null;
    return typeof object?.data === 'object' && object.data !== null ? object.data : undefined;
  } catch (error) {
    // Nested too deeply, or too many aliases.
    if (error instanceof RangeError || error instanceof ReferenceError) return undefined;
    throw error;
  }
}

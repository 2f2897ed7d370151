/** Which label of a series names which resource, and back: `resources` of a rule. */
import { fullName } from '../apimachinery/status.ts';
import type { DescribedResource, Mapper } from '../metricsource/described.ts';
import type { GroupResourceConfig, ResourcesConfig } from './config.ts';
import { compilePattern, type Pattern, PatternError } from './pattern.ts';
import { remembered } from './remembered.ts';
import { TemplateError } from './template/error.ts';
import { parseTemplate, type GoTemplate } from './template/template.ts';

export interface LabelMapping {
  /** Overrides in the order of the file, for explanations. */
  readonly overrides: ReadonlyMap<string, string>;
  readonly template: string | undefined;
  /** Returns the name of the resource whose objects a label names, without knowing the cluster. */
  readonly nameOf: (label: string) => string | undefined;
  /** Returns the resource whose objects a label names. */
  readonly resourceOf: (label: string, mapper: Mapper) => DescribedResource | undefined;
  /** Returns the label that names objects of a resource. An override wins; of several the last. */
  readonly labelOf: (resource: DescribedResource, mapper: Mapper) => string | undefined;
  /** Returns what the template makes of a resource, without knowing the cluster. */
  readonly templateLabelOf: (group: string, singular: string) => string | undefined;
}

/** Adds a problem at a path below that of the rule's resources. */
export type AddProblem = (path: string, problem: string, remedy: string) => void;

/** Reports problems by `add`, and returns what is usable. */
export function compileResourceLabels(config: ResourcesConfig | undefined, add: AddProblem): LabelMapping {
  const overrides = new Map<string, string>();
  for (const [label, target] of config?.overrides ?? []) {
    const name = nameOf(target);
    if (name === undefined) {
      add(`overrides.${label}`, 'the resource is missing', 'write {resource: "pod"}, with a group if it has one');
    } else overrides.set(label, name);
  }
  const template = config?.template === undefined || config.template === '' ? undefined : config.template;
  const compiled = template === undefined ? undefined : compileLabelTemplate(template, add);
  const templateLabelOf = (group: string, singular: string): string | undefined => {
    const label = compiled?.template.execute({ Group: group.replaceAll(/[.-]/g, '_'), Resource: singular });
    return label === '' ? undefined : label;
  };
  const resourceNameOf = remembered((label) => {
    const match = label.length > labelLimit ? undefined : compiled?.pattern.match(label);
    if (compiled === undefined || match === undefined) return undefined;
    const group = match[compiled.pattern.names.get('group') ?? -1];
    const resource = match[compiled.pattern.names.get('resource') ?? -1];
    return resource === undefined ? undefined : fullName({ group: group ?? '', resource });
  });
  const resourceNamed = (label: string): string | undefined => overrides.get(label) ?? resourceNameOf(label);
  return {
    overrides,
    template,
    templateLabelOf,
    nameOf: resourceNamed,
    resourceOf: (label, mapper) => {
      const name = resourceNamed(label);
      return name === undefined ? undefined : mapper.resourceFor(name);
    },
    labelOf: (resource, mapper) => {
      const override = [...overrides].findLast(([, name]) => isSame(mapper.resourceFor(name), resource));
      return override?.[0] ?? templateLabelOf(resource.group, resource.singular);
    },
  };
}

/**
 * Characters of a label that may name a resource, whose name and group have 63 and 253. Any target chooses longer ones,
 * and one of 60,000 took 130 ms to match.
 */
const labelLimit = 1_000;

interface CompiledTemplate {
  readonly template: GoTemplate;
  /** Matches labels, with groups named group and resource. */
  readonly pattern: Pattern;
}

function compileLabelTemplate(text: string, add: AddProblem): CompiledTemplate | undefined {
  try {
    const template = parseTemplate(text, ['Group', 'Resource']);
    const pattern = template.execute({ Group: '(?P<group>.+?)', Resource: '(?P<resource>.+?)' });
    const compiled = compilePattern(`^${pattern}$`);
    if (compiled.names.has('resource')) return { template, pattern: compiled };
    add('template', 'must include at least <<.Resource>>', 'write for example kube_<<.Resource>>');
  } catch (error) {
    if (error instanceof TemplateError) add('template', error.message, 'correct the template');
    else if (error instanceof PatternError)
      add('template', error.message, 'escape what is special in a regular expression');
    else throw error;
  }
  return undefined;
}

function nameOf(target: GroupResourceConfig | undefined): string | undefined {
  const { group = '', resource = '' } = target ?? {};
  return resource === '' ? undefined : fullName({ group, resource });
}

function isSame(a: DescribedResource | undefined, b: DescribedResource): boolean {
  return a?.group === b.group && a.resource === b.resource;
}

/** The syntax tree of a template. */

export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string; readonly line: number }
  | { readonly kind: 'action'; readonly pipeline: Pipeline; readonly line: number }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[] | undefined;
      readonly line: number;
    }
  | { readonly kind: 'break' | 'continue'; readonly line: number };

/** `$a, $b := command | command`. */
export interface Pipeline {
  readonly kind: 'pipeline';
  readonly variables: readonly string[];
  /** `=` in the place of `:=`. */
  readonly isAssignment: boolean;
  readonly commands: readonly Command[];
  readonly line: number;
}

export interface Command {
  /** At least one. */
  readonly operands: readonly Operand[];
  readonly line: number;
}

export type Operand =
  | Pipeline
  | { readonly kind: 'constant'; readonly value: string | bigint | boolean; readonly line: number }
  | { readonly kind: 'nil'; readonly line: number }
  | { readonly kind: 'dot'; readonly line: number }
  | { readonly kind: 'field'; readonly names: readonly string[]; readonly line: number }
  | { readonly kind: 'variable'; readonly name: string; readonly names: readonly string[]; readonly line: number }
  | { readonly kind: 'function'; readonly name: string; readonly line: number }
  /** `(pipeline).Field`. */
  | { readonly kind: 'chain'; readonly operand: Operand; readonly names: readonly string[]; readonly line: number };

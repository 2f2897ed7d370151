/** The parts that OpenAPI v2 and v3 share, in the form of v3. */

/** The parts of JSON Schema that our documents use. */
export interface Schema {
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  /** One reference: v3 allows no member beside `$ref`. */
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly $ref?: string;
  readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[];
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-map-type'?: string;
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** In the form of v2; v3 moves the type into a schema. */
export interface Parameter {
  readonly uniqueItems: true;
  readonly type: 'boolean' | 'integer' | 'string';
  readonly description: string;
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required?: true;
}

export interface Info {
  readonly title: string;
  readonly version: string;
}

export const reference = (name: string): Schema => ({ $ref: `${referencePrefix}${name}` });

export const referencePrefix = '#/components/schemas/';

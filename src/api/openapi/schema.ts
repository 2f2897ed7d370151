/** The parts of an OpenAPI document that both of its versions have, written as in v3. */

/** No more of JSON Schema than what our documents use. */
export interface Schema {
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  /** Always one reference: v3 allows nothing beside a bare one. */
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly $ref?: string;
  /** Which objects have this schema. */
  readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[];
  readonly 'x-kubernetes-list-type'?: string;
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** As v2 writes it; v3 moves the type into a schema. */
export interface Parameter {
  readonly uniqueItems: true;
  readonly type: 'boolean' | 'integer' | 'string';
  readonly description: string;
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required?: true;
}

/** What a document says of itself. */
export interface Info {
  readonly title: string;
  readonly version: string;
}

/** Where v3 keeps a schema. */
export const reference = (name: string): Schema => ({ $ref: `${referencePrefix}${name}` });

export const referencePrefix = '#/components/schemas/';

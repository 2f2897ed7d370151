/**
 * Kubernetes' own part of our OpenAPI documents: metadata, quantities, discovery, and the parameters of a list. The texts are those of
 * the Kubernetes API (Apache-2.0), unchanged, so that kubectl explain says what it says of every other object.
 */
import kubernetes from './kubernetes.json' with { type: 'json' };
import type { Parameter, Schema } from './schema.ts';

/** Schemas by name, as OpenAPI v3 has them. */
export const kubernetesSchemas: Readonly<Record<string, Schema>> = kubernetes.definitions;

export const typeMetaProperties: Readonly<Record<'apiVersion' | 'kind', Schema>> =
  kubernetes.definitions['io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup'].properties;

/** Parameters by the name under which OpenAPI v2 shares them between paths: their own and a hash of what they are. */
export const sharedParameters = kubernetes.parameters as Readonly<
  Record<keyof typeof kubernetes.parameters, Parameter>
>;

/** Where a schema has the name that Go gives its type: package apis/meta/v1. */
export const metaV1 = (kind: string): string => `io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`;

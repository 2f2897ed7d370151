/** Kubernetes' part of our OpenAPI documents, with its unchanged texts (Apache-2.0), as kubectl explain prints them. */
import kubernetes from './kubernetes.json' with { type: 'json' };
import type { Parameter, Schema } from './schema.ts';

/** Schemas by name, in the form of OpenAPI v3. */
export const kubernetesSchemas: Readonly<Record<string, Schema>> = kubernetes.definitions;

const { apiVersion, kind } = kubernetes.definitions['io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup'].properties;

export const typeMetaProperties: Readonly<Record<'apiVersion' | 'kind', Schema>> = { apiVersion, kind };

/** The keys are a parameter's name and a hash of its content. */
export const sharedParameters = kubernetes.parameters as Readonly<
  Record<keyof typeof kubernetes.parameters, Parameter>
>;

/** Returns the schema name of a type in apis/meta/v1. */
export const metaV1 = (kind: string): string => `io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`;

/**
 * Writes JSON patches of an APIService. Each tests the values that it was decided from, so it fails when another pod or
 * an operator changed them. It does not test resourceVersion: kube-apiserver's availability controller writes status
 * all the time, and kube-apiserver applies a patch anew when that was the only conflict.
 */
import { type ApiServiceView, keepOffAnnotations, stagedRootsAnnotation } from './apiserviceview.ts';

export type PatchOperation =
  /** A value of null passes where the member is absent. */
  | { readonly op: 'test'; readonly path: string; readonly value: unknown }
  /** Also replaces. */
  | { readonly op: 'add'; readonly path: string; readonly value: unknown }
  /** Fails where the member is absent. */
  | { readonly op: 'remove'; readonly path: string };

export type JsonPatch = readonly PatchOperation[];

const insecurePath = '/spec/insecureSkipTLSVerify';
const bundlePath = '/spec/caBundle';
const annotationsPath = '/metadata/annotations';

/**
 * Returns the patch that leads from the object's bundle and staged roots to others.
 * @param next absent members stay as they are. A bundle makes the object verified; kube-apiserver refuses one together
 * with insecureSkipTLSVerify.
 */
export function writePatch(
  view: ApiServiceView,
  next: { readonly bundle?: string; readonly staged?: string },
): JsonPatch {
  const operations: PatchOperation[] = [...guards(view)];
  if (next.bundle !== undefined) {
    const value = Buffer.from(next.bundle, 'latin1').toString('base64');
    operations.push({ op: 'test', path: bundlePath, value: view.caBundle ?? null });
    if (view.insecure) operations.push({ op: 'remove', path: insecurePath });
    operations.push({ op: 'add', path: bundlePath, value });
  }
  if (next.staged !== undefined) operations.push(...stagedOperations(view, next.staged));
  return operations;
}

/** Returns the tests of all that the decision rests on, other than roots. */
function guards(view: ApiServiceView): JsonPatch {
  const { service, insecure, annotations } = view;
  const keepOff = annotations === undefined ? [annotationsPath] : keepOffAnnotations.map(annotationPath);
  return [
    { op: 'test', path: insecurePath, value: insecure ? true : null },
    { op: 'test', path: '/spec/service/namespace', value: service?.namespace ?? null },
    { op: 'test', path: '/spec/service/name', value: service?.name ?? null },
    ...keepOff.map((path): PatchOperation => ({ op: 'test', path, value: null })),
  ];
}

function stagedOperations({ annotations }: ApiServiceView, staged: string): JsonPatch {
  const path = annotationPath(stagedRootsAnnotation);
  // The guards hold that there are still none.
  if (annotations === undefined) {
    return staged === '' ? [] : [{ op: 'add', path: annotationsPath, value: { [stagedRootsAnnotation]: staged } }];
  }
  const current = annotations.get(stagedRootsAnnotation);
  if (current === undefined && staged === '') return [];
  return [
    { op: 'test', path, value: current ?? null },
    staged === '' ? { op: 'remove', path } : { op: 'add', path, value: staged },
  ];
}

/** RFC 6901: a slash in a name is ~1. */
function annotationPath(name: string): string {
  return `${annotationsPath}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/**
 * Returns the body of the PATCH. kube-apiserver compares a tested string byte by byte with its own JSON
 * (evanphx/json-patch, lazyNode.equal), in which Go's encoder escapes these characters.
 */
export function encodePatch(patch: JsonPatch): string {
  return JSON.stringify(patch).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

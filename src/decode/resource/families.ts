/** Families read from /metrics/resource. */
import { quantities } from '../../sample/quantities.ts';

const read = [
  ...quantities.map(({ resource: { node } }, column) => ({ family: node, column, isOfMachine: true })),
  ...quantities.map(({ resource: { container } }, column) => ({ family: container, column, isOfMachine: false })),
].filter(({ family }) => family !== undefined);

/** All families that are read. */
export const resourceFamilies: readonly string[] = read.map(({ family }) => family ?? '');

/** The column of each family in a row. */
export const columnOf: readonly number[] = read.map(({ column }) => column);

/** Index of the first family of containers. */
export const firstContainerFamily = read.findIndex(({ isOfMachine }) => !isOfMachine);

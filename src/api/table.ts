/** Objects as rows of a Table, for `kubectl get`: metrics-server's columns and, by default, its cells. */
import { formatDuration } from '../apimachinery/duration.ts';
import type { EncodableInPieces } from '../apimachinery/encoding.ts';
import { jsonListPieces } from '../apimachinery/jsonlist.ts';
import { quote } from '../apimachinery/quote.ts';
import { badRequest } from '../apimachinery/status.ts';
import type { TableCells } from './cells.ts';
import { toJson } from './encode.ts';
import { apiVersionOf, type MetaVersion, toPartial } from './partial.ts';
import type { Resource } from './resource.ts';
import { isList, type MetricsItem, type MetricsObject, type Slices, type Version } from './types.ts';

/** The part of an object that its row holds beside the cells. */
export type IncludeObject = 'Metadata' | 'Object' | 'None';

export interface TableOptions {
  readonly metaVersion: MetaVersion;
  readonly version: Version;
  readonly includeObject: IncludeObject;
  readonly cells: TableCells;
}

/** Makes a Table, which has no protobuf message. */
export function toTable<T extends MetricsItem>(
  resource: Resource<T>,
  object: MetricsObject<T>,
  options: TableOptions,
): EncodableInPieces {
  const slices: Slices<T> = isList(object) ? object.slices : [[object]];
  const metadata = isList(object) ? (object.metadata ?? {}) : {};
  const columns = [nameColumn, ...resource.columns.map(({ name, format }) => column(name, format)), windowColumn];
  const toItem = (item: T) => toRow(resource, item, options);
  const head = (isEmpty: boolean) => ({
    kind: 'Table',
    apiVersion: apiVersionOf(options.metaVersion),
    metadata,
    // Kubernetes takes the columns from the first row, so a Table without rows has none.
    columnDefinitions: isEmpty ? null : columns,
  });
  return {
    json: (form, writer) => jsonListPieces({ head, member: 'rows', slices, toItem, whenEmpty: 'null' }, form, writer),
    protobuf: () => {
      throw new Error('a Table has no protobuf message; negotiation must not allow it');
    },
    whole: () => {
      const rows = [...slices].flat().map(toItem);
      return { ...head(rows.length === 0), rows: rows.length === 0 ? null : rows };
    },
  };
}

/** @throws StatusError BadRequest for anything but the three values and the empty string. */
export function parseIncludeObject(text: string): IncludeObject {
  switch (text) {
    case '':
      return 'Metadata';
    case 'Metadata':
    case 'Object':
    case 'None':
      return text;
    default:
      throw badRequest(
        `Unable to convert to Table as requested: includeObject: Invalid value: ${quote(text)}: must be 'Metadata', 'Object', 'None', or empty`,
      );
  }
}

const nameColumn = column('Name', 'name', 'Name of the resource');
const windowColumn = column('Window', 'duration');

function column(name: string, format: string, description = ''): object {
  return { name, type: 'string', format, description, priority: 0 };
}

function toRow<T extends MetricsItem>(resource: Resource<T>, object: T, options: TableOptions): object {
  const cells = [object.name, ...resource.cells(object, options.cells), formatDuration(object.windowMs)];
  return { cells, object: included(resource, object, options) };
}

function included<T extends MetricsItem>(resource: Resource<T>, object: T, options: TableOptions): object | null {
  switch (options.includeObject) {
    case 'Metadata':
      return toPartial(object, options.metaVersion);
    case 'Object':
      return toJson(resource, object, options.version);
    case 'None':
      return null;
  }
}

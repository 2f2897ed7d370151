/** Objects as rows of a table, for `kubectl get`: the real server's columns and, unless told otherwise, its cells. */
import { formatDuration } from '../apimachinery/duration.ts';
import type { EncodableInPieces } from '../apimachinery/encoding.ts';
import { jsonListPieces } from '../apimachinery/jsonlist.ts';
import { quote } from '../apimachinery/quote.ts';
import { badRequest } from '../apimachinery/status.ts';
import { type TableCells, usageCells } from './cells.ts';
import { toJson } from './encode.ts';
import { apiVersionOf, type MetaVersion, toPartial } from './partial.ts';
import type { MetricsObject, NodeMetrics, PodMetrics, ResourceUsage, Version } from './types.ts';

/** What of each object its row holds beside the cells. */
export type IncludeObject = 'Metadata' | 'Object' | 'None';

export interface TableOptions {
  readonly metaVersion: MetaVersion;
  /** Of the objects that rows hold. */
  readonly version: Version;
  readonly includeObject: IncludeObject;
  readonly cells: TableCells;
}

/** Not to be asked for in protobuf: there is no such message. */
export function toTable(object: MetricsObject, options: TableOptions): EncodableInPieces {
  const slices: Iterable<readonly (NodeMetrics | PodMetrics)[]> = 'slices' in object ? object.slices : [[object]];
  const toItem = (item: NodeMetrics | PodMetrics) => toRow(item, options);
  const head = (isEmpty: boolean) => ({
    kind: 'Table',
    apiVersion: apiVersionOf(options.metaVersion),
    metadata: {},
    // Without a row nobody knows the columns: Kubernetes takes the resources from the first one.
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

/** Throws StatusError BadRequest for anything but the three words and nothing. */
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

/** No swap, ever: Kubernetes would make the columns of the first row's resources, and scripts tell columns by their place. */
const columns: readonly object[] = [
  column('Name', 'name', 'Name of the resource'),
  column('cpu', 'quantity'),
  column('memory', 'quantity'),
  column('Window', 'duration'),
];

function column(name: string, format: string, description = ''): object {
  return { name, type: 'string', format, description, priority: 0 };
}

function toRow(object: NodeMetrics | PodMetrics, options: TableOptions): object {
  const usage = object.kind === 'NodeMetrics' ? object.usage : sum(object);
  const cells = [object.name, ...usageCells(usage, options.cells), formatDuration(object.windowMs)];
  return { cells, object: included(object, options) };
}

function sum({ containers }: PodMetrics): ResourceUsage {
  return {
    cpuNanocores: containers.reduce((total, { cpuNanocores }) => total + cpuNanocores, 0),
    memoryBytes: containers.reduce((total, { memoryBytes }) => total + memoryBytes, 0),
  };
}

function included(object: NodeMetrics | PodMetrics, options: TableOptions): object | null {
  switch (options.includeObject) {
    case 'Metadata':
      return toPartial(object, options.metaVersion);
    case 'Object':
      return toJson(object, options.version);
    case 'None':
      return null;
  }
}

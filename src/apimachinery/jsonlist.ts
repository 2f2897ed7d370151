/** Writes long lists as JSON, item by item; the slow path of api/jsonpieces.ts. */
import { type JsonForm, jsonText } from './meta.ts';
import { type Pieces, type PieceWriter, writeSlices } from './pieces.ts';

/** An object: the members of its head, then the member with the items. */
export interface JsonList<T> {
  readonly head: (isEmpty: boolean) => object;
  readonly member: string;
  readonly slices: Iterable<readonly T[]>;
  readonly toItem: (item: T) => object;
  readonly whenEmpty: '[]' | 'null';
}

/** Writes encodeJson's bytes. */
export function* jsonListPieces<T>(list: JsonList<T>, form: JsonForm, writer: PieceWriter): Pieces {
  const { slices, toItem, whenEmpty } = list;
  const [outer, inner, item] = form === 'compact' ? ['', '', ''] : ['\n', '\n  ', '\n    '];
  let before = `${open(list, false, form)}[`;
  let isEmpty = true;
  yield* writeSlices(writer, slices, (each) => {
    writer.text(before + item + jsonText(toItem(each), item));
    before = ',';
    isEmpty = false;
  });
  writer.text(isEmpty ? open(list, true, form) + whenEmpty : `${inner}]`);
  writer.text(form === 'compact' ? '}\n' : `${outer}}`);
  return writer.take();
}

function open<T>({ head, member }: JsonList<T>, isEmpty: boolean, form: JsonForm): string {
  const text = jsonText(head(isEmpty), form === 'compact' ? '' : '\n');
  return form === 'compact' ? `${text.slice(0, -1)},"${member}":` : `${text.slice(0, -2)},\n  "${member}": `;
}

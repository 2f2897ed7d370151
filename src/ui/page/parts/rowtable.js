/** A table of which only the rows on the screen are in the document; page.css has its columns, by the class of the table. */
import { html } from '../html.js';
import { VirtualList } from './virtuallist.js';

/**
 * `label` is above the column, and beside each cell where a row is a block. `about`: what the label is of, for screen readers. `isBlock`: there is no label beside the cell.
 * @template T
 * @typedef {{ readonly key: string, readonly label: string, readonly about?: string, readonly isRight?: boolean, readonly isBlock?: boolean, readonly cell: (item: T) => unknown }} RowColumn
 */

/**
 * The first column has the name of each row, with a link of class `rowlink`, which arrow keys go to.
 * @template T
 * @param {{ title: string, className: string, columns: readonly RowColumn<T>[], items: readonly T[], keyOf: (item: T) => string, heightOf: number | ((item: T) => number) }} props
 * `heightOf` in pixels; the same function at each rendering.
 */
export function RowTable({ title, className, columns, items, keyOf, heightOf }) {
  /** @param {T} item @param {number} index */
  const render = (item, index) => {
    const height = `${typeof heightOf === 'number' ? heightOf : heightOf(item)}px`;
    return html`<div role="row" class="row" aria-rowindex=${index + 2} style=${{ height }}>${columns.map(({ key, label, isRight, isBlock, cell }, at) => html`<span key=${key} role=${at === 0 ? 'rowheader' : 'cell'} class=${classOf(key, isRight)} data-label=${at === 0 || isBlock === true ? undefined : label}>${cell(item)}</span>`)}</div>`;
  };
  return html`<div role="table" aria-label=${title} aria-rowcount=${items.length + 1} class=${`rows ${className}`}>
    <div role="row" class="row head" aria-rowindex="1">${columns.map(({ key, label, about, isRight }) => html`<span key=${key} role="columnheader" class=${classOf(key, isRight)}>${about !== undefined && html`<span class="unseen">${about} </span>`}${label}</span>`)}</div>
    <${VirtualList} items=${items} keyOf=${keyOf} rowHeight=${heightOf} role="rowgroup" render=${render} />
  </div>`;
}

/** @param {string} key @param {boolean | undefined} isRight */
const classOf = (key, isRight = false) => `c-${key}${isRight ? ' right' : ''}`;

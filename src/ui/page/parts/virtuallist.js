/** A list of thousands of rows of which only those on the screen are in the document. The page scrolls, not the list. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';

/** Rows that are rendered above and below the screen. */
const overscan = 6;

/**
 * @template T
 * @typedef {object} VirtualListProps
 * @property {readonly T[]} items
 * @property {(item: T) => string} keyOf
 * @property {(item: T, index: number) => unknown} render One row.
 * @property {number | ((item: T) => number)} rowHeight In pixels; the same function at each rendering. With `columnWidth` of a row of items, and a number.
 * @property {number} [columnWidth] Smallest width of an item; undefined for one item a row.
 * @property {string} [className]
 * @property {string} [role]
 */

/**
 * @template T
 * @param {VirtualListProps<T>} props
 */
export function VirtualList({ items, keyOf, render, rowHeight, columnWidth, className = '', role }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [view, setView] = useState({ first: 0, count: 30, columns: 1 });
  const { columns } = view;
  const tops = useMemo(() => topsOf(items, columns, rowHeight), [items, columns, rowHeight]);
  const rows = tops.length - 1;
  useLayoutEffect(() => {
    const update = () => {
      const element = box.current;
      if (element === null) return;
      const { top, width } = element.getBoundingClientRect();
      const fitting = columnWidth === undefined ? 1 : Math.max(1, Math.floor(width / columnWidth));
      const first = Math.max(0, rowAt(tops, -top) - overscan);
      const count = rowAt(tops, globalThis.innerHeight - top) + 1 + overscan - first;
      setView((old) =>
        old.first === first && old.count === count && old.columns === fitting
          ? old
          : { first, count, columns: fitting },
      );
    };
    update();
    const observer = new ResizeObserver(update);
    if (box.current !== null) observer.observe(box.current);
    globalThis.addEventListener('scroll', update, { passive: true });
    globalThis.addEventListener('resize', update);
    return () => {
      observer.disconnect();
      globalThis.removeEventListener('scroll', update);
      globalThis.removeEventListener('resize', update);
    };
  }, [tops, columnWidth]);
  const start = Math.max(0, Math.min(view.first, rows - view.count));
  const shown = items.slice(start * columns, (start + view.count) * columns);
  const place = {
    transform: `translateY(${tops[start]}px)`,
    gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
  };
  return html`<div ref=${box} class=${`virtual ${className}`} style=${{ height: `${tops[rows]}px` }} role=${role} onKeyDown=${moveFocus}>
    <div class="window" style=${place} role=${role === undefined ? undefined : 'presentation'}>${shown.map((item, index) => html`<${Row} key=${keyOf(item)} render=${render} item=${item} index=${start * columns + index} />`)}</div>
  </div>`;
}

/**
 * Returns where each row begins, and at the end where the last one ends, in pixels.
 * @template T
 * @param {readonly T[]} items
 * @param {number} columns items a row
 * @param {number | ((item: T) => number)} rowHeight
 * @returns {Float64Array}
 */
export function topsOf(items, columns, rowHeight) {
  const tops = new Float64Array(Math.ceil(items.length / columns) + 1);
  for (let row = 1; row < tops.length; row += 1) {
    const item = items[(row - 1) * columns];
    const height = typeof rowHeight === 'number' ? rowHeight : item === undefined ? 0 : rowHeight(item);
    tops[row] = (tops[row - 1] ?? 0) + height;
  }
  return tops;
}

/**
 * Returns the row at a height, the first one above all rows, and the last one below them.
 * @param {Float64Array} tops of topsOf
 * @param {number} y in pixels
 */
export function rowAt(tops, y) {
  let low = 0;
  let high = Math.max(0, tops.length - 2);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((tops[middle] ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** @param {{ render: (item: unknown, index: number) => unknown, item: unknown, index: number }} props */
function Row({ render, item, index }) {
  return render(item, index);
}

/** Arrow keys move the focus between rows. @param {KeyboardEvent} event */
export function moveFocus(event) {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (step === 0 || !(event.currentTarget instanceof Element)) return;
  const stops = [...event.currentTarget.querySelectorAll('.rowlink')];
  const next = stops[stops.indexOf(document.activeElement ?? document.body) + step];
  if (!(next instanceof HTMLElement)) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
}

/** Reports whether a media query matches, and renders again when that changes. @param {string} query */
export function useMedia(query) {
  const [matches, setMatches] = useState(() => globalThis.matchMedia(query).matches);
  useEffect(() => {
    const media = globalThis.matchMedia(query);
    const update = () => setMatches(media.matches);
    update();
    media.addEventListener('change', update);
    return () => media.removeEventListener('change', update);
  }, [query]);
  return matches;
}

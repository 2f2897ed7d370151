/** A list of thousands of rows of which only those on the screen are in the document. The page scrolls, not the list. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';

/** Rows that are rendered above and below the screen. */
const overscan = 6;

/**
 * @template T
 * @typedef {object} VirtualListProps
 * @property {readonly T[]} items
 * @property {(item: T) => string} keyOf
 * @property {(item: T, index: number) => unknown} render One row, all of the same height.
 * @property {number} rowHeight In pixels; with `columnWidth` of a row of items.
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
  useLayoutEffect(() => {
    const update = () => {
      const element = box.current;
      if (element === null) return;
      const { top, width } = element.getBoundingClientRect();
      const columns = columnWidth === undefined ? 1 : Math.max(1, Math.floor(width / columnWidth));
      const first = Math.max(0, Math.floor(-top / rowHeight) - overscan);
      const count = Math.ceil(globalThis.innerHeight / rowHeight) + 2 * overscan;
      setView((old) =>
        old.first === first && old.count === count && old.columns === columns ? old : { first, count, columns },
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
  }, [rowHeight, columnWidth, items.length]);
  const { first, count, columns } = view;
  const rows = Math.ceil(items.length / columns);
  const start = Math.max(0, Math.min(first, rows - count));
  const shown = items.slice(start * columns, (start + count) * columns);
  const place = {
    transform: `translateY(${start * rowHeight}px)`,
    gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
  };
  return html`<div ref=${box} class=${`virtual ${className}`} style=${{ height: `${rows * rowHeight}px` }} role=${role} onKeyDown=${moveFocus}>
    <div class="window" style=${place} role=${role === undefined ? undefined : 'presentation'}>${shown.map((item, index) => html`<${Row} key=${keyOf(item)} render=${render} item=${item} index=${start * columns + index} height=${rowHeight} />`)}</div>
  </div>`;
}

/** @param {{ render: (item: unknown, index: number) => unknown, item: unknown, index: number }} props */
function Row({ render, item, index }) {
  return render(item, index);
}

/** Arrow keys move the focus between rows. @param {KeyboardEvent} event */
function moveFocus(event) {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (step === 0 || !(event.currentTarget instanceof Element)) return;
  const stops = [...event.currentTarget.querySelectorAll('a.rowlink')];
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

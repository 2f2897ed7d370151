/**
 * One tooltip for the page: shows `data-tip` of what is under the pointer or has the focus, and the age of `data-at`. A row's link that has the focus
 * shows those of all cells of the row, which are no tab stops.
 */
import { nowMs } from '../data/cluster.js';
import { ageText } from '../format.js';

const margin = 8;

/** Starts it. */
export function startTooltip() {
  const tip = document.createElement('div');
  tip.id = 'tip';
  tip.setAttribute('role', 'tooltip');
  tip.hidden = true;
  document.body.append(tip);
  /** @type {Element | undefined} */
  let owner;

  const write = () => {
    // Text, never markup: names come from the cluster.
    if (owner !== undefined) tip.textContent = textOf(owner);
  };
  const hide = () => {
    owner?.removeAttribute('aria-describedby');
    owner = undefined;
    tip.hidden = true;
  };
  /** @param {EventTarget | null} target */
  const showFor = (target) => {
    const next = target instanceof Element ? (target.closest('[data-tip]') ?? undefined) : undefined;
    if (next === owner) return;
    hide();
    if (next === undefined) return;
    owner = next;
    write();
    tip.hidden = false;
    place(tip, next);
    if (next === document.activeElement) next.setAttribute('aria-describedby', 'tip');
  };
  document.addEventListener('pointerover', ({ target }) => {
    if (target !== tip) showFor(target);
  });
  document.addEventListener('focusin', ({ target }) => showFor(target));
  document.addEventListener('focusout', hide);
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') hide();
  });
  globalThis.addEventListener('hashchange', hide);
  const follow = () => {
    // The focus may have moved to a row that came on the screen by it.
    if (owner !== undefined && owner === document.activeElement && isOnScreen(owner)) place(tip, owner);
    else hide();
  };
  document.addEventListener('scroll', follow, { capture: true, passive: true });
  setInterval(() => {
    if (owner?.isConnected === false) hide();
    else write();
  }, 1000);
}

/** Returns an element's lines; for a row's link with the focus also those of the row's cells, each once. @param {Element} owner */
function textOf(owner) {
  const row = owner === document.activeElement && owner.matches('.rowlink') ? owner.closest('.row, .card, tr') : null;
  const cells = row?.querySelectorAll('[data-tip]') ?? [];
  const atMs = nowMs();
  return [...new Set([owner, ...cells].flatMap((element) => linesOf(element, atMs)))].join('\n');
}

/** @param {Element} element @param {number} atMs when its age is meant @returns {readonly string[]} */
function linesOf(element, atMs) {
  const measuredMs = Number(element.getAttribute('data-at') ?? Number.NaN);
  const age = Number.isNaN(measuredMs) ? [] : [`${ageText(Math.max(0, (atMs - measuredMs) / 1000))} old`];
  return [...(element.getAttribute('data-tip') ?? '').split('\n'), ...age];
}

/** @param {Element} element */
function isOnScreen(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < globalThis.innerHeight;
}

/** @param {HTMLElement} tip @param {Element} owner */
function place(tip, owner) {
  const box = owner.getBoundingClientRect();
  const own = tip.getBoundingClientRect();
  const left = Math.min(box.left, document.documentElement.clientWidth - own.width - margin);
  const below = box.bottom + margin;
  const top = below + own.height > globalThis.innerHeight ? box.top - own.height - margin : below;
  tip.style.left = `${Math.max(margin, left)}px`;
  tip.style.top = `${Math.max(margin, top)}px`;
}

/** One tooltip for the page: shows `data-tip` of what is under the pointer or has the focus, and the age of `data-at`. */
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
    if (owner === undefined) return;
    const at = Number(owner.getAttribute('data-at') ?? Number.NaN);
    const age = Number.isNaN(at) ? '' : `\n${ageText(Math.max(0, (nowMs() - at) / 1000))} old`;
    // Text, never markup: names come from the cluster.
    tip.textContent = `${owner.getAttribute('data-tip') ?? ''}${age}`;
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
  document.addEventListener('scroll', hide, { capture: true, passive: true });
  setInterval(() => {
    if (owner?.isConnected === false) hide();
    else write();
  }, 1000);
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

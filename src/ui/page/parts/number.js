/** Numbers that say when and how they were measured, and what is missing says why. */
import { useEffect, useState } from 'preact/hooks';
import { nowMs } from '../data/cluster.js';
import { ageText, clockText, levelOf, oldSeconds, percentText, ratioOf, resources, whyNoShare } from '../format.js';
import { html } from '../html.js';

/** @import { Measurement, ResourceView } from '../../../view/types.ts' */
/** @import { ResourceName } from '../format.js' */

/** Where usage comes from. @type {Readonly<Record<string, string>>} */
const sources = {
  cadvisor: "the kubelet's /metrics/cadvisor",
  resource: "the kubelet's /metrics/resource",
  prometheus: 'Prometheus',
};

/**
 * Returns attributes with which the tooltip shows when and how something was measured.
 * @param {Measurement} measured
 * @param {string} [about] first line
 */
export function measuredTip(measured, about) {
  const { timestampMs, windowSeconds, source, reason } = measured;
  const lines = [about];
  if (timestampMs !== undefined) {
    const window = windowSeconds === undefined ? '' : `, over ${ageText(windowSeconds)}`;
    lines.push(`measured at ${clockText(timestampMs)}${window}`);
  }
  if (source !== undefined) lines.push(`source: ${sources[source] ?? source}`);
  if (reason !== undefined) lines.push(reason);
  const tip = lines.filter((line) => line !== undefined).join('\n');
  return { 'data-tip': tip === '' ? undefined : tip, 'data-at': timestampMs };
}

/**
 * One resource's usage, or why there is none.
 * @param {{ resource: ResourceName, view: ResourceView, measured: Measurement, focusable?: boolean }} props
 */
export function Usage({ resource, view, measured, focusable = false }) {
  const { text, title } = resources[resource];
  const tabIndex = focusable ? 0 : undefined;
  if (view.used === undefined) return html`<${Missing} reason=${measured.reason} focusable=${focusable} />`;
  const tip = measuredTip(measured, `${title}: ${exactText(resource, view.used)}`);
  return html`<data class=${isOld(measured) ? 'num old' : 'num'} value=${view.used} tabindex=${tabIndex} ...${tip}>${text(view.used)}</data>`;
}

/** @param {ResourceName} resource @param {number} value */
function exactText(resource, value) {
  const { text } = resources[resource];
  return resource === 'cpu' ? `${value.toPrecision(4)} cores` : `${text(value)} (${value.toLocaleString('en')} bytes)`;
}

/** @param {{ reason: string | undefined, focusable?: boolean }} props */
export function Missing({ reason, focusable = false }) {
  const why = reason ?? 'the server has no number for it';
  return html`<span class="none" tabindex=${focusable ? 0 : undefined} data-tip=${why}><span aria-hidden="true">–</span><span class="unseen">none: ${why}</span></span>`;
}

/**
 * A number that the API knows without measuring it, such as a request.
 * @param {{ resource: ResourceName, value: number | undefined, none?: string }} props
 */
export function Amount({ resource, value, none = 'none' }) {
  if (value === undefined) return html`<span class="none">${none}</span>`;
  return html`<data class="num" value=${value}>${resources[resource].text(value)}</data>`;
}

/**
 * A ratio as a bar and a percentage; from 90% of a bound on it is marked, also without colour. More than a request is allowed.
 * @param {{ used: number | undefined, of: number | undefined, label: string, measured?: Measurement, isBound?: boolean }} props
 */
export function Share({ used, of, label, measured, isBound = false }) {
  const ratio = ratioOf(used, of);
  if (ratio === undefined) {
    const why = whyNoShare(used, of, label, measured?.reason);
    return html`<${Missing} reason=${why} />`;
  }
  const level = isBound ? levelOf(ratio) : ratio > 1 ? 'warm' : 'cool';
  return html`<span class=${`share ${level}`} data-tip=${`${percentText(ratio)} of the ${label}`} data-at=${measured?.timestampMs}><span class="track"><i style=${{ width: `${Math.min(100, ratio * 100)}%` }}></i></span><span class="percent">${percentText(ratio)}</span></span>`;
}

/** @param {Measurement} measured */
const isOld = ({ timestampMs }) => timestampMs !== undefined && nowMs() - timestampMs > oldSeconds * 1000;

/** Components that show an age follow one timer. @type {Set<() => void>} */
const ages = new Set();
setInterval(() => {
  if (!document.hidden) for (const update of ages) update();
}, 1000);

/** @param {{ at: number | undefined }} props milliseconds since the epoch, by kube-apiserver's clock */
export function Age({ at }) {
  const [, setTick] = useState(0);
  useEffect(() => {
    const update = () => setTick((tick) => tick + 1);
    ages.add(update);
    return () => void ages.delete(update);
  }, []);
  if (at === undefined) return null;
  const seconds = Math.max(0, (nowMs() - at) / 1000);
  return html`<span class=${seconds > oldSeconds ? 'age old' : 'age'}>${ageText(seconds)} ago</span>`;
}

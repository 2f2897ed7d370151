/** The frame of each page: navigation, filter, theme, state of the connection. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { clockAhead, refresh, useSummary } from './data/cluster.js';
import { connection } from './data/connection.js';
import { useStore } from './data/store.js';
import { ageText, clockText } from './format.js';
import { html } from './html.js';
import { AutoscalerPage, AutoscalersPage } from './pages/autoscalers.js';
import { ClusterPage } from './pages/cluster.js';
import { HealthPage } from './pages/health.js';
import { NamespacePage, WorkloadPage } from './pages/namespace.js';
import { NamespacesPage, PodsPage } from './pages/namespaces.js';
import { NodePage } from './pages/node.js';
import { PodPage } from './pages/pod.js';
import { filterText } from './parts/filter.js';
import { Empty } from './parts/states.js';
import { linkTo, placeOf } from './routes.js';
import { ThemeSwitch } from './parts/themeswitch.js';

export function App() {
  const path = usePath();
  const { data } = useSummary();
  // Every age and interval follows them: all of the page is rendered again.
  useStore(clockAhead);
  useStore(refresh);
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  const key = path.join('/');
  const isFirst = useRef(true);
  useEffect(() => {
    filterText.set('');
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    globalThis.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [key]);
  return html`<a class="skip" href="#main" onClick=${(/** @type {Event} */ event) => {
    // The hash is the page's address.
    event.preventDefault();
    main.current?.focus();
  }}>Skip to the content</a>
    <header class="bar">
      <a class="brand" href=${linkTo()} aria-label="kubegauge, cluster"><img src="icon.svg" alt="" width="22" height="22" /><span>kubegauge</span></a>
      <${Navigation} section=${sectionOf(path)} degraded=${data?.summary.degraded.length ?? 0} />
      <div class="tools">
        <${Filter} />
        <${Live} context=${data?.context} />
        <${ThemeSwitch} />
      </div>
    </header>
    <${Lost} />
    <main id="main" ref=${main} tabindex="-1"><${Page} key=${key} path=${path} /></main>
    <footer class="foot muted">${data !== undefined && html`<span>${data.context}</span><span>metrics by ${data.summary.server}</span><span>kubegauge ${data.version}</span>`}<span><kbd>/</kbd> filter, <kbd>↑</kbd> <kbd>↓</kbd> rows, <kbd>Esc</kbd> clear</span></footer>`;
}

/** @returns {readonly string[]} */
function usePath() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const update = () => setHash(location.hash);
    globalThis.addEventListener('hashchange', update);
    return () => globalThis.removeEventListener('hashchange', update);
  }, []);
  return placeOf(hash).path;
}

/** @param {{ path: readonly string[] }} props */
function Page({ path: [section, first, second, third] }) {
  if (section === undefined) return html`<${ClusterPage} />`;
  if (section === 'nodes' && first !== undefined) return html`<${NodePage} name=${first} />`;
  if (section === 'nodes') return html`<${ClusterPage} />`;
  if (section === 'namespaces') {
    if (first === undefined) return html`<${NamespacesPage} />`;
    if (second === undefined || third === undefined) return html`<${NamespacePage} namespace=${first} />`;
    return html`<${WorkloadPage} namespace=${first} kind=${second} name=${third} />`;
  }
  if (section === 'pods') {
    return first === undefined || second === undefined
      ? html`<${PodsPage} />`
      : html`<${PodPage} namespace=${first} name=${second} />`;
  }
  if (section === 'autoscalers') {
    return first === undefined || second === undefined
      ? html`<${AutoscalersPage} />`
      : html`<${AutoscalerPage} namespace=${first} name=${second} />`;
  }
  if (section === 'health') return html`<${HealthPage} />`;
  return html`<${Empty} title="No such page"><a href=${linkTo()}>To the cluster</a><//>`;
}

/** @param {readonly string[]} path */
const sectionOf = ([section]) => (section === undefined || section === 'nodes' ? 'cluster' : section);

/** @param {{ section: string, degraded: number }} props */
function Navigation({ section, degraded }) {
  const entries = [
    ['cluster', 'Cluster', linkTo()],
    ['namespaces', 'Namespaces', linkTo('namespaces')],
    ['pods', 'Pods', linkTo('pods')],
    ['autoscalers', 'Autoscalers', linkTo('autoscalers')],
    ['health', 'Health', linkTo('health')],
  ];
  return html`<nav class="sections" aria-label="Pages">${entries.map(([key, label, href]) => html`<a key=${key} href=${href} aria-current=${key === section ? 'page' : undefined}>${label}${key === 'health' && degraded > 0 && html`<span class="count" aria-label=${`${degraded} degraded`} role="img">${degraded}</span>`}</a>`)}</nav>`;
}

function Filter() {
  const text = useStore(filterText);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => {
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
      if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        input.current?.focus();
        input.current?.select();
      } else if (event.key === 'Escape') {
        filterText.set('');
        if (document.activeElement === input.current) input.current?.blur();
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  return html`<label class="filter"><span class="unseen">Filter by name, node, namespace or label</span><input ref=${input} type="search" placeholder="Filter, or app=web" value=${text} spellcheck=${false} autocomplete="off" onInput=${(/** @type {Event & { currentTarget: HTMLInputElement }} */ event) => filterText.set(event.currentTarget.value)} /><kbd aria-hidden="true">/</kbd></label>`;
}

/** @param {{ context: string | undefined }} props */
function Live({ context }) {
  const { state } = useStore(connection);
  const words = { live: 'live', lost: 'no connection', ended: 'session over' };
  return html`<span class=${`live ${state}`} role="status" data-tip=${context === undefined ? undefined : `cluster: ${context}\nreads again every ${refresh.get()} s`} tabindex="0"><i aria-hidden="true"></i>${words[state]}</span>`;
}

/** What is wrong with the connection, over the data that is still shown. */
function Lost() {
  const { state, sinceMs } = useStore(connection);
  const [, setTick] = useState(0);
  useEffect(() => {
    if (state === 'live') return undefined;
    const timer = setInterval(() => setTick((tick) => tick + 1), 1000);
    return () => clearInterval(timer);
  }, [state]);
  if (state === 'live') return null;
  if (state === 'ended') {
    return html`<div class="banner bad" role="alert"><b>This session is over.</b> Open the link that <code>kubegauge ui</code> prints, or start it again. What you see is from ${clockText(sinceMs)}.</div>`;
  }
  return html`<div class="banner warn" role="alert"><b>No connection to kubegauge ui</b> for ${ageText((Date.now() - sinceMs) / 1000)}. What you see is from ${clockText(sinceMs)}; the page goes on by itself when it is back.</div>`;
}

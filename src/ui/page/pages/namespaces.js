/** All namespaces that have pods, and all pods. */
import { useMemo } from 'preact/hooks';
import { podLimit, usePods, useSummary } from '../data/cluster.js';
import { useStore } from '../data/store.js';
import { grouped } from '../format.js';
import { html } from '../html.js';
import { filterText, matches } from '../parts/filter.js';
import { GroupTable } from '../parts/grouptable.js';
import { PodTable } from '../parts/podtable.js';
import { shownAs } from '../parts/states.js';
import { groupsOf } from '../parts/sums.js';
import { linkTo } from '../routes.js';

/** @import { PodList } from '../data/cluster.js' */
/** @import { Live } from '../data/live.js' */

export function NamespacesPage() {
  document.title = 'Namespaces · kubegauge';
  const pods = usePods({});
  return html`<h1 class="unseen">Namespaces</h1>${shownAs(pods, (list) => html`<${Partly} list=${list} /><${Namespaces} list=${list} />`)}<${OwnNamespace} pods=${pods} />`;
}

export function PodsPage() {
  document.title = 'Pods · kubegauge';
  const pods = usePods({});
  return html`<h1 class="unseen">Pods</h1>${shownAs(pods, (list) => html`<${Partly} list=${list} /><${PodTable} list=${list} title="All pods" />`)}<${OwnNamespace} pods=${pods} />`;
}

/** The way to the context's namespace for a user who cannot list pods of all. @param {{ pods: Live<PodList> }} props */
function OwnNamespace({ pods }) {
  const namespace = useSummary().data?.namespace;
  if (pods.error?.status !== 403 || namespace === undefined) return null;
  return html`<p class="note">This kubeconfig's context names namespace <a href=${linkTo('namespaces', namespace)}>${namespace}</a>.</p>`;
}

/** @param {{ list: PodList }} props */
function Partly({ list: { items, isWhole } }) {
  if (isWhole || items.length < podLimit) return null;
  return html`<p class="note warn">Only the first ${grouped(podLimit)} pods are here. A page of a namespace has all of its pods.</p>`;
}

/** @param {{ list: PodList }} props */
function Namespaces({ list }) {
  const filter = useStore(filterText);
  const groups = useMemo(
    () => groupsOf(list.items, ({ namespace }) => namespace).toSorted((a, b) => (b.cpu.used ?? 0) - (a.cpu.used ?? 0)),
    [list],
  );
  const shown = groups.filter(({ key }) => matches(filter, [key]));
  return html`<${GroupTable} title="All namespaces" noun="Namespace" groups=${shown} all=${groups.length} isWhole=${list.isWhole} nameOf=${(/** @type {{ key: string }} */ { key }) => key} linkOf=${(/** @type {{ key: string }} */ { key }) => linkTo('namespaces', key)} />`;
}

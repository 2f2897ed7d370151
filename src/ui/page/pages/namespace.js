/** One namespace, and one workload of it: sums, the last hour, workloads and pods. */
import { useMemo } from 'preact/hooks';
import { useAutoscalers, usePods } from '../data/cluster.js';
import { useGroupHistory } from '../data/grouphistory.js';
import { ofPods, whyEmpty } from '../data/series.js';
import { useStore } from '../data/store.js';
import { ageText, counted } from '../format.js';
import { html } from '../html.js';
import { AutoscalerTable } from '../parts/autoscalertable.js';
import { Fact, Heading } from '../parts/facts.js';
import { filterText, matchesPod } from '../parts/filter.js';
import { GroupTable } from '../parts/grouptable.js';
import { Amount, Usage } from '../parts/number.js';
import { partLines } from '../parts/partlines.js';
import { PodTable } from '../parts/podtable.js';
import { Empty, shownAs } from '../parts/states.js';
import {
  groupMeasurement,
  groupOf,
  groupsOf,
  whyUnmeasured,
  workloadKey,
  workloadLabels,
  workloadOf,
} from '../parts/sums.js';
import { UsagePlots } from '../parts/usageplots.js';
import { linkTo, podLink, workloadLink } from '../routes.js';

/** @import { PodView } from '../../../view/types.ts' */
/** @import { PodList } from '../data/cluster.js' */
/** @import { ResourceName } from '../format.js' */
/** @import { PodGroup } from '../parts/sums.js' */

/** @param {{ namespace: string }} props */
export function NamespacePage({ namespace }) {
  const autoscalers = useAutoscalers(namespace).data?.items ?? [];
  /** @type {readonly (readonly [string, string])[]} */
  const trail = [['Namespaces', linkTo('namespaces')]];
  return shownAs(usePods({ namespace }), (list) => {
    if (list.isWhole && list.items.length === 0)
      return html`<${Heading} kind="Namespace" name=${namespace} trail=${trail} /><${Empty} title="No pods">Nothing runs in this namespace, or it cannot be read.<//>`;
    const group = groupOf(namespace, list.items);
    return html`<${Heading} kind="Namespace" name=${namespace} trail=${trail}><${GroupFacts} group=${group} /><//>
      <${GroupPlots} namespace=${namespace} list=${list} group=${group} partsOf=${workloadLabels} />
      <${Workloads} namespace=${namespace} list=${list} />
      ${autoscalers.length > 0 && html`<${AutoscalerTable} items=${autoscalers} />`}
      <${PodTable} list=${list} hidden=${['namespace']} />`;
  });
}

/** @param {{ namespace: string, list: PodList }} props */
function Workloads({ namespace, list }) {
  const filter = useStore(filterText);
  const groups = useMemo(
    () => groupsOf(list.items, workloadKey).toSorted((a, b) => (b.cpu.used ?? 0) - (a.cpu.used ?? 0)),
    [list],
  );
  const shown = groups.filter(({ pods }) => pods.some((pod) => matchesPod(filter, pod)));
  return html`<${GroupTable} title="Workloads" noun="Workload" groups=${shown} all=${groups.length} isWhole=${list.isWhole} nameOf=${nameOf} linkOf=${linkOf} />`;

  /** @param {PodGroup} group */
  function nameOf({ pods: [pod] }) {
    if (pod === undefined) return '';
    const { kind, name } = workloadOf(pod);
    return html`<span class="muted">${kind}</span> ${name}`;
  }

  /** @param {PodGroup} group */
  function linkOf({ pods: [pod] }) {
    if (pod === undefined) return linkTo('namespaces', namespace);
    return pod.workload === undefined ? podLink(pod) : workloadLink(namespace, pod.workload);
  }
}

/** @param {{ namespace: string, kind: string, name: string }} props */
export function WorkloadPage({ namespace, kind, name }) {
  const autoscalers = (useAutoscalers(namespace).data?.items ?? []).filter(
    ({ target }) => target.kind === kind && target.name === name,
  );
  /** @type {readonly (readonly [string, string])[]} */
  const trail = [
    ['Namespaces', linkTo('namespaces')],
    [namespace, linkTo('namespaces', namespace)],
  ];
  return shownAs(usePods({ namespace }), (whole) => {
    const items = whole.items.filter(({ workload }) => workload?.kind === kind && workload.name === name);
    if (items.length === 0)
      return html`<${Heading} kind=${kind} name=${name} trail=${trail} /><${Empty} title="No pods">No pod in this namespace has it as its controller: it has none, they cannot be read, or another object controls them for it.<//>`;
    const group = groupOf(name, items);
    return html`<${Heading} kind=${kind} name=${name} trail=${trail}><${GroupFacts} group=${group} /><//>
      <${GroupPlots} namespace=${namespace} list=${whole} group=${group} partsOf=${podNames} isOfPods />
      ${autoscalers.length > 0 && html`<${AutoscalerTable} items=${autoscalers} />`}
      <${PodTable} list=${{ items, isWhole: whole.isWhole }} hidden=${['namespace']} />`;
  });
}

/** @param {{ group: PodGroup }} props */
function GroupFacts({ group }) {
  const measured = groupMeasurement(group);
  return html`<${Fact} name="pods"><data value=${group.count}>${group.count}</data><//>
    <${Fact} name="CPU"><${Usage} resource="cpu" view=${group.cpu} measured=${measured} focusable />, requested <${Amount} resource="cpu" value=${group.cpu.requested} /><//>
    <${Fact} name="memory"><${Usage} resource="memory" view=${group.memory} measured=${measured} focusable />, requested <${Amount} resource="memory" value=${group.memory.requested} /><//>
    ${group.missing > 0 && html`<${Fact} name="without usage">${counted(group.missing, 'pod')}<//>`}
    ${group.partial > 0 && html`<${Fact} name="without usage of a container">${counted(group.partial, 'pod')}<//>`}`;
}

/** @param {readonly PodView[]} pods */
const podNames = (pods) => new Map(pods.map(({ name }) => [name, name]));

/**
 * The last hour of a group, one line for each part: workloads of a namespace, pods of a workload.
 * @param {{ namespace: string, list: PodList, group: PodGroup, partsOf: (pods: readonly PodView[]) => ReadonlyMap<string, string>, isOfPods?: boolean }} props `list`: all pods of the namespace; `partsOf`: labels of parts, by pod; `isOfPods`: each part is a pod.
 */
function GroupPlots({ namespace, list, group, partsOf, isOfPods = false }) {
  const { history, step, newest } = useGroupHistory(namespace, list, group.pods);
  const series = history.data?.series;
  // Usage of now is not added: pods come at different times, and a sum of some would look like a fall.
  const lines = useMemo(() => {
    const own = isOfPods ? ofPods(series ?? [], group.pods) : (series ?? []);
    return partLines(own, partsOf(group.pods), step, newest);
  }, [series, list, newest]);
  const latest = step === undefined || step === 60 ? 'last minute' : `last ${ageText(step)}`;
  return html`<${UsagePlots} latest=${latest} step=${step} newest=${newest} empty=${whyEmpty(history, whyUnmeasured(group))} inputs=${[lines]} linesOf=${(/** @type {ResourceName} */ resource) => lines[resource]} />`;
}

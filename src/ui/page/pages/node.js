/** One node: its last hour, and its pods. */
import { useNodes, usePods } from '../data/cluster.js';
import { lineOf, useNodeHistory, whyEmpty } from '../data/series.js';
import { bytesText } from '../format.js';
import { html } from '../html.js';
import { Badge, Fact, Heading } from '../parts/facts.js';
import { Age, Usage } from '../parts/number.js';
import { PodTable } from '../parts/podtable.js';
import { Empty, shownAs } from '../parts/states.js';
import { boundsOf, UsagePlots } from '../parts/usageplots.js';
import { linkTo } from '../routes.js';

/** @import { NodeView } from '../../../view/types.ts' */

/** @param {{ name: string }} props */
export function NodePage({ name }) {
  const nodes = useNodes();
  const pods = usePods({ node: name });
  return html`${shownAs(nodes, ({ items }) => {
    const node = items.find((one) => one.name === name);
    if (node === undefined)
      return html`<${Heading} kind="Node" name=${name} trail=${trail} /><${Empty} title="No such node">It may have been deleted, or it cannot be read.<//>`;
    return html`<${NodeView} node=${node} />`;
  })}
  ${shownAs(pods, (list) => html`<${PodTable} list=${list} hidden=${['node']} />`)}`;
}

/** @type {readonly (readonly [string, string])[]} */
const trail = [['Cluster', linkTo()]];

/**
 * Leaves out the limit: a sum over the pods that have one is no bound of all.
 * @param {import('../../../view/types.ts').ResourceView} view
 */
function withoutLimit(view) {
  const { limit: _, ...bounds } = view;
  return bounds;
}

/** @param {{ node: NodeView }} props */
function NodeView({ node }) {
  const history = useNodeHistory({ name: node.name });
  const series = history.data?.series.find(({ name }) => name === node.name);
  return html`<${Heading} kind="Node" name=${node.name} trail=${trail}>
      ${node.ready !== undefined && html`<${Badge} level=${node.ready ? 'ok' : 'bad'}>${node.ready ? 'ready' : 'not ready'}<//>`}
      <${Fact} name="CPU"><${Usage} resource="cpu" view=${node.cpu} measured=${node} focusable /><//>
      <${Fact} name="memory"><${Usage} resource="memory" view=${node.memory} measured=${node} focusable /><//>
      ${node.swapBytes !== undefined && html`<${Fact} name="swap">${bytesText(node.swapBytes)}<//>`}
      ${node.pods !== undefined && html`<${Fact} name="pods"><data value=${node.pods}>${node.pods}</data> of ${node.podCapacity ?? '?'}<//>`}
      ${node.timestampMs !== undefined && html`<${Fact} name="measured"><${Age} at=${node.timestampMs} /><//>`}
    <//>
    ${node.reason !== undefined && html`<p class="note warn">${node.reason}</p>`}
    <${UsagePlots} empty=${whyEmpty(history, node.reason)} inputs=${[series, node]} linesOf=${(
      /** @type {import('../format.js').ResourceName} */ resource,
    ) => [
      { label: 'used', colour: resource, line: lineOf(series, resource, node), filled: true },
      ...boundsOf(withoutLimit(node[resource])),
    ]} />`;
}

/** What the server reports of itself, by one of its replicas. All texts are foreign: they are data. */
import { clockText, counted, countedOf } from '../format.js';
import { html } from '../html.js';
import { nodeLink } from '../routes.js';
import { Command } from './copy.js';
import { Badge } from './facts.js';

/** @import { ServerReportAnswer } from '../../routes.ts' */
/** @import { BundleView, CodedMessage, NodeRemarksView, NodeWayView, RefusedView, RuleSourceView, RuleView, ServerReportView, ShownList } from '../../../view/serverreport.ts' */

/** As the manifests name the Deployment. */
const statusCommand = 'kubectl exec -n kube-system deploy/metrics-server -- /metrics-server status --cert-dir=/tmp';
const rightsPage = 'docs/security.md#who-may-read-the-servers-own-report';

/** @param {{ answer: ServerReportAnswer, server: string | undefined }} props The server as the summary recognises it. */
export function ServerReport({ answer, server }) {
  if (answer.state === 'read') return html`<${Report} report=${answer.report} />`;
  const hasCommand = server !== 'metrics-server';
  const why =
    answer.state === 'absent' || !hasCommand
      ? 'There is no report: metrics.k8s.io is served by metrics-server, by a kubegauge that is older than this page, or by nothing.'
      : `Not on this page: this user lacks the right to ${answer.lacks}. The role for it is in ${rightsPage}.`;
  return html`<p>${why}</p>${
    hasCommand &&
    html`<p>In the pod, kubegauge prints refused clients, its token and pins for kubelets, rules that fail, and how it scrapes each node:</p><${Command} text=${statusCommand} />`
  }`;
}

/** @param {{ report: ServerReportView }} props */
function Report({ report }) {
  const { version, pod, startMs, resolution, staleness, source, identity, degraded, rules, bundles, refused } = report;
  const facts = [
    resolution !== undefined && `Scrapes every ${resolution}`,
    staleness !== undefined && `serves the last usage for ${staleness}`,
    source === 'prometheus' && 'metrics.k8s.io comes from Prometheus, by resourceRules',
    identity,
  ].filter((fact) => typeof fact === 'string');
  const trouble = bundles.items.filter(({ isTrouble }) => isTrouble);
  return html`<p>kubegauge ${version}${pod !== undefined && html` in pod <b>${pod}</b>`}${startMs !== undefined && ` since ${dateText(startMs)}`}. <span class="muted">The report is of one replica, which kube-apiserver chose; others may differ.</span></p>
    ${facts.length > 0 && html`<p>${facts.join('; ')}.</p>`}
    ${degraded.total === 0 && html`<p class="verdict" role="status">The server reports nothing that is degraded.</p>`}
    <${Part} title="Degraded" list=${degraded} show=${degradedEntry} />
    <${Nodes} report=${report} />
    <${RuleSources} sources=${report.ruleSources} />
    <${Part} title="Rules" list=${rules} show=${ruleEntry} />
    <${Part} title="Serving certificate" list=${{ items: trouble, total: trouble.length }} show=${bundleEntry} />
    <${Part} title="Refused in the last five minutes" list=${refused} show=${refusedEntry} />`;
}

/** @param {{ report: ServerReportView }} props */
function Nodes({ report: { nodeCount, ways, nodes } }) {
  if (nodeCount === 0) return undefined;
  return html`<div class="tablehead"><h3>How nodes are scraped</h3><p class="muted">${counted(nodeCount, 'node')}</p></div>
    <ul class="ways">${ways.items.map((way) => html`<li key=${JSON.stringify(way)}>${wayText(way)}</li>`)}<${Rest} list=${ways} /></ul>
    <${Part} title="Nodes to look at" list=${nodes} show=${nodeEntry} />`;
}

/** @param {NodeWayView} way */
function wayText({ nodes, state, source, verifiedBy }) {
  const parts = [
    state,
    source !== undefined && `source ${source}`,
    verifiedBy !== undefined && `verified by ${verifiedBy}`,
  ];
  return `${counted(nodes, 'node')}: ${parts.filter(Boolean).join(', ')}`;
}

/** @param {{ sources: ShownList<RuleSourceView> }} props */
function RuleSources({ sources }) {
  if (sources.total === 0) return undefined;
  return html`<div class="tablehead"><h3>Sources of custom and external metrics</h3></div>
    <ul class="ways">${sources.items.map(({ source, rules, failing }) => html`<li key=${source}>${source}: ${counted(rules, source === 'kubelet' ? 'metric' : 'rule')}, ${failing === 0 ? 'none fails' : `${failing} fail`}</li>`)}<${Rest} list=${sources} /></ul>`;
}

/**
 * A list of entries with a heading; nothing for none.
 * @template T
 * @param {{ title: string, list: ShownList<T>, show: (entry: T) => unknown }} props
 */
function Part({ title, list, show }) {
  if (list.total === 0) return undefined;
  return html`<div class="tablehead"><h3>${title}</h3><p class="muted">${countedOf(list.items.length, list.total, 'item')}</p></div>
    <ol class="findings">${list.items.map((entry, index) => html`<li class="finding warn" key=${index}>${show(entry)}</li>`)}</ol>`;
}

/** @param {{ list: ShownList<unknown> }} props */
function Rest({ list: { items, total } }) {
  return total > items.length && html`<li class="muted">and ${total - items.length} more</li>`;
}

/** @param {CodedMessage} entry */
const degradedEntry = (entry) => html`<${Coded} entry=${entry} level="warn" word="degraded" />`;

/** @param {NodeRemarksView} node */
const nodeEntry = ({ name, state, failures, lastSuccessMs, remarks }) =>
  html`<header><${Badge} level=${state === 'failing' ? 'bad' : 'warn'}>${state}<//><h4><a href=${nodeLink(name)}>${name}</a></h4></header>
    ${remarks.map((remark, index) => html`<${Message} key=${index} entry=${remark} />`)}
    ${failures > 0 && html`<p class="evidence">${counted(failures, 'failure')} since the last success${lastSuccessMs === undefined ? '' : ` at ${dateText(lastSuccessMs)}`}</p>`}`;

/** @param {RuleView} rule */
const ruleEntry = ({ source, rule, error, warning, query, lastSuccessMs }) =>
  html`<header><${Badge} level=${error === undefined ? 'warn' : 'bad'}>${error === undefined ? 'warning' : 'fails'}<//><h4>${source}: ${rule}</h4></header>
    ${error !== undefined && html`<p>${error}</p>`}${warning !== undefined && html`<p>${warning}</p>`}
    <p class="evidence">last success: ${lastSuccessMs === undefined ? 'none' : dateText(lastSuccessMs)}</p>
    ${query !== undefined && html`<p class="evidence"><code>${query}</code></p>`}`;

/** @param {BundleView} bundle */
const bundleEntry = (bundle) => html`<${Coded} entry=${bundle} level="warn" word=${bundle.apiService} />`;

/** @param {RefusedView} refused */
const refusedEntry = (refused) =>
  html`<${Coded} entry=${refused} level="plain" word="refused" />
    ${refused.reason !== undefined && html`<p class="evidence">${refused.reason}</p>`}
    <p class="evidence">${[refused.requests !== undefined && counted(refused.requests, 'request'), refused.lastMs !== undefined && `the last at ${clockText(refused.lastMs)}`].filter(Boolean).join(', ')}</p>`;

/** @param {{ entry: CodedMessage, level: string, word: string }} props */
const Coded = ({ entry, level, word }) =>
  html`<header><${Badge} level=${level}>${word}<//></header><${Message} entry=${entry} />`;

/** A message, the heading that explains it, and its remedy. @param {{ entry: CodedMessage }} props */
const Message = ({ entry: { code, message, remedy } }) =>
  html`<p>${message}${code !== undefined && html` <code class="muted">${code}: docs/troubleshooting.md#${code.toLowerCase()}</code>`}</p>${remedy !== undefined && html`<p class="evidence">${remedy}</p>`}`;

const dates = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
/** @param {number} ms since the epoch */
const dateText = (ms) => dates.format(ms);

/** Formats a status report as text: a line per node, then problems and remedies; a line per rule of other metrics. */
import { refusalText } from './statusreport.ts';
import { escapeControls } from '../foreigntext.ts';
import { metricRulesLines } from './metricruleslines.ts';
import { tableLines } from './texttable.ts';
import type { NodeReport, StatusReport } from '../server/statuspage.ts';
import { fallbackText, foreignPodsText, kubeletIdentityText } from '../server/statustexts.ts';

const columns: readonly (readonly [title: string, cell: (node: NodeReport) => string | number | undefined])[] = [
  ['NODE', ({ name }) => name],
  ['READY', ({ ready }) => (ready ? 'yes' : 'no')],
  ['STATE', ({ state, failures }) => (failures > 0 ? `${state} (${failures})` : state)],
  ['SOURCE', ({ source }) => source],
  ['ADDRESS', ({ address }) => address],
  ['VERIFIED BY', ({ verifiedBy }) => verifiedBy],
  ['PODS', ({ pods }) => pods],
  ['AGE', ({ age, missing }) => age ?? missing],
  ['WINDOW', ({ window }) => window],
  ['SPACING', ({ sampleSpacing }) => sampleSpacing],
  ['SCRAPE', ({ scrapeDuration }) => scrapeDuration],
  ['BYTES', ({ wireBytes }) => wireBytes],
];

export function statusText(report: StatusReport): string {
  const { version, pod, startTime, degraded, refused, kubeletIdentity, resourceMetrics, nodes } = report;
  const { caBundles = [], metricRules = [] } = report;
  const lines = [
    `kubegauge ${version}${pod === undefined ? '' : ` in pod ${pod}`}, since ${startTime}; ${scrapesText(report)}`,
    ...(resourceMetrics.source === 'prometheus' ? ['metrics.k8s.io comes from Prometheus, by resourceRules'] : []),
    ...(resourceMetrics.scrapesKubelets ? [kubeletIdentityText(kubeletIdentity)] : []),
    ...(degraded.length === 0
      ? ['all is well']
      : ['degraded:', ...degraded.map(({ code, message }) => `  ${code}: ${message}`)]),
    '',
    ...(resourceMetrics.scrapesKubelets ? nodeLines(nodes) : []),
    ...nodes.flatMap(remarks),
    ...(metricRules.length === 0 ? [] : ['', ...metricRulesLines(metricRules)]),
    ...(caBundles.length === 0
      ? []
      : [
          '',
          'serving certificate:',
          ...caBundles.map(({ apiService, code, state }) => `  ${apiService}: ${code}: ${state}`),
        ]),
    ...(refused.length === 0
      ? []
      : ['', 'refused in the last five minutes:', ...refused.map(refusalText).map((line) => `  ${line}`)]),
  ];
  return `${lines.map(escapeControls).join('\n')}\n`;
}

function scrapesText({ resolution, staleness, resourceMetrics }: StatusReport): string {
  if (!resourceMetrics.scrapesKubelets) return 'scrapes no kubelets';
  return `scrapes every ${resolution}, serves the last usage for ${staleness}`;
}

function nodeLines(nodes: readonly NodeReport[]): readonly string[] {
  return tableLines([
    columns.map(([title]) => title),
    ...nodes.map((node) => columns.map(([, cell]) => String(cell(node) ?? '-'))),
  ]);
}

function remarks({ name, error, fallback, clockSkew, unverifiedPods, foreignPods }: NodeReport): string[] {
  const lines = [
    ...(error === undefined ? [] : [`${error.code}: ${error.message}`, ...(error.remedy ? [`  ${error.remedy}`] : [])]),
    ...(fallback === undefined ? [] : [fallbackText(fallback)]),
    ...(clockSkew === undefined ? [] : [clockSkew]),
    ...(foreignPods === undefined ? [] : [foreignPodsText(foreignPods)]),
    ...(unverifiedPods === undefined ? [] : [`pods that the API has not placed on the node: ${unverifiedPods}`]),
  ];
  return lines.length === 0 ? [] : ['', `${name}:`, ...lines.map((line) => `  ${line}`)];
}

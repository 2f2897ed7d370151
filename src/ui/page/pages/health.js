/** What `kubegauge doctor` finds, with remedies to copy, and what the server reports of itself. */
import { useEffect, useState } from 'preact/hooks';
import { refresh, useSummary } from '../data/cluster.js';
import { useAnswer } from '../data/live.js';
import { clockText, counted } from '../format.js';
import { html } from '../html.js';
import { Command } from '../parts/copy.js';
import { Badge, Heading } from '../parts/facts.js';
import { ServerReport } from '../parts/serverreport.js';
import { Loading, shownAs } from '../parts/states.js';
import { apiPath } from '../routes.js';

/** @import { HealthAnswer, ServerReportAnswer } from '../../routes.ts' */
/** @import { Examination } from '../../../doctor/examination.ts' */
/** @import { ReportedFinding } from '../../../doctor/finding.ts' */

/** @type {Readonly<Record<string, { level: 'ok' | 'warn' | 'bad' | 'plain', word: string }>>} */
const severities = {
  error: { level: 'bad', word: 'error' },
  warning: { level: 'warn', word: 'warning' },
  unchecked: { level: 'plain', word: 'not checked' },
  note: { level: 'plain', word: 'note' },
  ok: { level: 'ok', word: 'ok' },
};

/** Seconds between readings while the checks run. */
const examiningSeconds = 1;
/** Seconds between readings of the server's report, which has all nodes. */
const reportSeconds = 30;
/** The same while there is none: a server logs users that it refuses. */
const noReportSeconds = 300;

export function HealthPage() {
  const [isExamining, setExamining] = useState(true);
  const every = isExamining ? examiningSeconds : refresh.get();
  const live = /** @type {import('../data/live.js').Live<HealthAnswer>} */ (useAnswer(apiPath('health'), every));
  const state = live.data?.state;
  useEffect(() => {
    if (state !== undefined) setExamining(state === 'examining');
  }, [state]);
  const summary = useSummary().data?.summary;
  const degraded = summary?.degraded ?? [];
  return html`<${Heading} kind="" name="Health" />
    ${degraded.length > 0 && html`<section class="note warn" aria-label="What is degraded"><ul>${degraded.map((line) => html`<li key=${line}>${line}</li>`)}</ul></section>`}
    ${shownAs(live, (answer) => html`<${Health} answer=${answer} />`)}
    <${OwnReport} server=${summary?.server} />`;
}

/** @param {{ server: string | undefined }} props The server as the summary recognises it. */
function OwnReport({ server }) {
  const [hasReport, setHasReport] = useState(true);
  const every = hasReport ? reportSeconds : noReportSeconds;
  const live = /** @type {import('../data/live.js').Live<ServerReportAnswer>} */ (
    useAnswer(apiPath('serverreport'), every)
  );
  const state = live.data?.state;
  useEffect(() => {
    if (state !== undefined) setHasReport(state === 'read');
  }, [state]);
  return html`<section class="own" aria-label="The server's own report"><div class="tablehead"><h2>The server's own report</h2></div>
    ${shownAs(live, (answer) => html`<${ServerReport} answer=${answer} server=${server} />`)}</section>`;
}

/** @param {{ answer: HealthAnswer }} props */
function Health({ answer: { state, examination, error, remedy } }) {
  return html`${state === 'failed' && html`<div class="note bad" role="alert"><p>The checks could not run: ${error ?? 'the reason is not known'}</p>${remedy !== undefined && html`<p>${remedy}</p>`}</div>`}
    ${examination === undefined ? state === 'examining' && html`<${Loading} label="Examining the cluster: this takes some seconds." />` : html`<${Findings} examination=${examination} isRunning=${state === 'examining'} />`}`;
}

/** @param {{ examination: Examination, isRunning: boolean }} props */
function Findings({ examination: { findings, checks, time }, isRunning }) {
  const worst = ['error', 'warning', 'unchecked', 'note'].flatMap((severity) =>
    findings.filter((finding) => finding.severity === severity),
  );
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.filter(({ severity }) => severity === 'warning').length;
  const verdict =
    errors + warnings === 0
      ? 'No problem was found.'
      : `${[errors > 0 && counted(errors, 'error'), warnings > 0 && counted(warnings, 'warning')].filter(Boolean).join(' and ')}.`;
  return html`<p class="verdict" role="status">${verdict} <span class="muted">${counted(checks.length, 'check')} at ${clockText(Date.parse(time))}${isRunning ? ', examining again …' : ''}</span></p>
    ${worst.length > 0 && html`<ol class="findings">${worst.map((finding) => html`<${Finding} key=${`${finding.check} ${finding.code} ${finding.object}`} finding=${finding} />`)}</ol>`}
    <section aria-label="Checks"><div class="tablehead"><h2>Checks</h2></div><ul class="checks">${checks.map(({ name, title, result }) => html`<li key=${name}><${Badge} level=${severities[result]?.level ?? 'plain'}>${severities[result]?.word ?? result}<//> ${title}</li>`)}</ul></section>`;
}

/** @param {{ finding: ReportedFinding }} props */
function Finding({ finding: { severity, object, problem, code, evidence, remedy } }) {
  const { level, word } = severities[severity] ?? { level: 'plain', word: severity };
  return html`<li class=${`finding ${level}`}><header><${Badge} level=${level}>${word}<//><h2>${object}</h2><code class="muted">${code}</code></header>
    <p>${problem}</p>
    ${evidence !== undefined && html`<p class="evidence">${evidence}</p>`}
    ${remedy !== undefined && html`<${Command} text=${remedy} />`}</li>`;
}

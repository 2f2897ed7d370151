/** The results as a table, for a terminal and for docs/faults.md. */
import { slackSeconds } from './judge.ts';
import type { ServerName } from '../conformance/servers.ts';
import type { Figures } from './figures.ts';

export interface Row {
  readonly name: string;
  readonly figures: Readonly<Record<ServerName, Figures>>;
}

/** The record of a whole run. */
export interface Measured {
  /** The day, as YYYY-MM-DD. */
  readonly date: string;
  readonly machine: string;
  readonly rows: readonly Row[];
}

export function faultTable(rows: readonly Row[]): string {
  return ['| fault | metrics-server | kubegauge |', '|---|---|---|', ...rows.map(rowText)].join('\n');
}

/** With when and where they were measured. */
export function measuredTable({ date, machine, rows }: Measured): string {
  return `${faultTable(rows)}\n\nMeasured on ${date}, ${machine}, at a resolution of 10 s.`;
}

function rowText({ name, figures: { real, ours } }: Row): string {
  return `| ${name} | ${costOf(real)} | ${costOf(ours)} |`;
}

/** Counts the faults that cost a server nothing. */
export function unnoticed(rows: readonly Row[], server: ServerName): number {
  return rows.filter(({ figures }) => costOf(figures[server]) === nothing).length;
}

const nothing = 'nothing';

/** Looks are a quarter of a second apart. */
const noticeableSeconds = 0.5;
const noticeableMegabytes = 64;

/** Returns what a fault cost, in words; `nothing` where clients notice nothing. */
export function costOf(figures: Figures): string {
  const { ownAwaySeconds = 0, othersAwaySeconds = 0, othersOlderSeconds = 0 } = figures;
  const grown = figures.residentPeakMegabytes - figures.residentBeforeMegabytes;
  const left = figures.residentAfterMegabytes - figures.residentBeforeMegabytes;
  const parts = [
    ...(ownAwaySeconds < noticeableSeconds ? [] : [`away ${seconds(ownAwaySeconds)}`]),
    ...(othersAwaySeconds < noticeableSeconds ? [] : [othersAway(figures, othersAwaySeconds)]),
    ...(othersOlderSeconds <= slackSeconds ? [] : [`others' data ${seconds(othersOlderSeconds)} older`]),
    ...(figures.wrongSeconds === 0 ? [] : [`wrong values ${seconds(figures.wrongSeconds)}`]),
    ...(figures.notReadySeconds < noticeableSeconds ? [] : [`not ready ${seconds(figures.notReadySeconds)}`]),
    ...(grown < noticeableMegabytes
      ? []
      : [`${Math.round(grown)} MB more memory, of which ${Math.max(0, Math.round(left))} MB stayed`]),
  ];
  return parts.length === 0 ? nothing : parts.join(', ');
}

/** Where no node is faulty, everything is the others. */
function othersAway({ ownAwaySeconds }: Figures, away: number): string {
  return `${ownAwaySeconds === undefined ? 'everything' : 'others'} away ${seconds(away)}`;
}

const seconds = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;

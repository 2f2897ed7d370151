/** The figures as text: all of them for a terminal, and beside the goals for docs/cost.md. */
import { adapterGoals } from './adaptergoals.ts';
import { type Goal, goals } from './goals.ts';
import type { Figure, Unit } from './measure.ts';
import { type Measured, type Run, runOf } from './measured.ts';

export function figureTable(figures: ReadonlyMap<string, Figure>): string {
  const width = Math.max(...[...figures.keys()].map((name) => name.length));
  return [...figures].map(([name, figure]) => `${name.padEnd(width)}  ${figureText(figure)}`).join('\n');
}

/** With when and where they were measured. */
export function goalTable(measured: Measured): string {
  const rows = goals.map((goal) => goalRow(goal, measured.figures[goal.figure]));
  const table = ['| what | goal | moonshot | measured | reached |', '|---|---|---|---|---|', ...rows].join('\n');
  return `${table}\n\n${measuredWhere(measured)}`;
}

/** The goals of custom metrics beside prometheus-adapter, likewise. */
export function adapterGoalTable(measured: Measured): string {
  const { figures } = measured;
  const text = (name: string) => {
    const figure = figures[name];
    return figure === undefined ? '-' : valueText(figure.median, figure.unit);
  };
  const rows = adapterGoals.map(({ what, goal, ratio, of }) => {
    const figure = figures[ratio];
    const cells = [
      what,
      text(of('adapter')),
      text(of('ours')),
      figure === undefined ? '-' : figureText(figure),
      goal === undefined ? '' : valueText(goal, 'ratio'),
      goal === undefined || figure === undefined ? '' : figure.median <= goal ? 'yes' : 'no',
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const head = [
    "| what | prometheus-adapter 0.12 | kubegauge | to the adapter's | goal | reached |",
    '|---|---|---|---|---|---|',
  ];
  return `${[...head, ...rows].join('\n')}\n\n${measuredWhere(runOf(measured, 'adapter'))}`;
}

export function measuredWhere({ date, machine, load }: Run): string {
  return `Measured on ${date}, ${machine}${load === undefined ? '' : `, load average ${load.toFixed(1)}`}.`;
}

function goalRow({ what, hard, moonshot, unit }: Goal, figure: Figure | undefined): string {
  const measured = figure === undefined ? '-' : figureText(figure);
  return `| ${what} | ${valueText(hard, unit)} | ${valueText(moonshot, unit)} | ${measured} | ${reached(figure, hard, moonshot)} |`;
}

function reached(figure: Figure | undefined, hard: number, moonshot: number): string {
  if (figure === undefined) return '-';
  if (figure.median <= moonshot) return 'moonshot';
  return figure.median <= hard ? 'goal' : 'no';
}

function figureText({ unit, median, low, high }: Figure): string {
  const middle = valueText(median, unit);
  return low === high ? middle : `${middle} (${valueText(low, unit)} to ${valueText(high, unit)})`;
}

function valueText(value: number, unit: Unit): string {
  switch (unit) {
    case 'ratio':
      return value < 0.8 ? `1/${short(1 / value)}` : `${short(value)} x`;
    // A ratio near 1, to a tenth of a percent.
    case 'change':
      return `${value < 1 ? '' : '+'}${((value - 1) * 100).toFixed(1)} %`;
    case 'bytes':
      return value < 1024 ? `${Math.round(value)} B` : `${short(value / 1024)} KiB`;
    case 'count':
      return value === 0 ? 'none' : short(value);
    case 'us':
    case 'ms':
    case 'MiB':
      return `${short(value)} ${unit}`;
  }
}

/** More digits than two or three would be noise. */
function short(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(2)));
}

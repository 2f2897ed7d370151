/** The costs of the server: beside metrics-server as a table and as a bar chart of the same figures, and by the size of the cluster. */
import { readMeasured, runOf } from '../bench/measured.ts';
import { measuredWhere } from '../bench/table.ts';

interface Comparison {
  readonly what: string;
  /** Figures in one unit; absent where only the ratio is known. */
  readonly theirs: string;
  readonly ours: string;
  readonly ratio: string;
  readonly unit: string;
}

const scrape = (pods: number, kind: string, theirs: string, what: string): Comparison => ({
  what: `CPU per scrape of a node with ${pods} pods, ${what}`,
  theirs: `paced.${pods}.${theirs}`,
  ours: `paced.${pods}.${kind}`,
  ratio: `paced.${pods}.${kind}.to-metrics-server`,
  unit: 'ms',
});

const comparisons: readonly Comparison[] = [
  ...[10, 30, 110].map((pods) => scrape(pods, 'filtered', 'real', 'kubelet 1.37 or later')),
  ...[10, 30].map((pods) => scrape(pods, 'full', 'real-fewer', 'older kubelet')),
  scrape(30, 'uncompressed', 'real-fewer', 'older kubelet, `--kubelet-compression=false`'),
  scrape(30, 'resource', 'real', '`--metrics-source=resource`'),
  {
    what: 'CPU of the whole server, 100 nodes and 7,000 pods',
    theirs: 'whole.real.cpu-per-second',
    ours: 'whole.ours.cpu-per-second',
    ratio: 'whole.cpu.to-metrics-server',
    unit: 'millicores',
  },
  {
    what: 'memory of the same',
    theirs: 'whole.real.rss',
    ours: 'whole.ours.rss',
    ratio: 'whole.rss.to-metrics-server',
    unit: 'MiB',
  },
  {
    what: 'memory, 1,000 nodes and 30,000 pods',
    theirs: 'large.1000.real.rss',
    ours: 'large.1000.ours.rss',
    ratio: 'large.1000.rss.to-metrics-server',
    unit: 'MiB',
  },
  {
    what: 'GET of one pod, median',
    theirs: 'get.real.p50',
    ours: 'get.ours.p50',
    ratio: 'get.p50.to-metrics-server',
    unit: 'us',
  },
];

interface Bar {
  readonly what: string;
  readonly theirs: string;
  readonly ours: string;
  readonly ratio: number;
}

function median(name: string): number {
  const figure = readMeasured().figures[name];
  if (figure === undefined) throw new Error(`test/bench/measured.json has no ${name}`);
  return figure.median;
}

function bars(): Bar[] {
  return comparisons.map(({ what, theirs, ours, ratio, unit }) => ({
    what,
    theirs: `${rounded(median(theirs))} ${unit}`,
    ours: `${rounded(median(ours))} ${unit}`,
    ratio: median(ratio),
  }));
}

/** Returns both servers' figures of a row of the cost table. @throws Error if there is no such row. */
export function comparedCost(what: string): { readonly theirs: string; readonly ours: string } {
  const bar = bars().find((candidate) => candidate.what === what);
  if (bar === undefined) throw new Error(`the cost table has no row "${what}"`);
  return bar;
}

/** Two or three digits; more would be noise. */
function rounded(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(2)));
}

interface Size {
  readonly nodes: number;
  readonly pods: number;
  readonly memory: string;
  readonly peak: string;
  /** CPU per second, or per scrape at the resolution of 15 s. */
  readonly cpu: { readonly perSecond: string } | { readonly perScrape: string };
}

const sizes: readonly Size[] = [
  {
    nodes: 100,
    pods: 7_000,
    memory: 'whole.ours.rss',
    peak: 'whole.ours.rss',
    cpu: { perSecond: 'whole.ours.cpu-per-second' },
  },
  ...[1_000, 5_000].map((nodes) => ({
    nodes,
    pods: nodes * 30,
    memory: `large.${nodes}.ours.rss`,
    peak: `large.${nodes}.ours.rss-peak`,
    cpu: { perScrape: `large.${nodes}.ours.cpu-per-scrape` },
  })),
];

const defaultResolutionSeconds = 15;

/** Returns what was measured by the size of the cluster. */
export function sizeTable(): string {
  const rows = sizes.map(({ nodes, pods, memory, peak, cpu }) => {
    const millicores =
      'perSecond' in cpu ? median(cpu.perSecond) : (median(cpu.perScrape) * nodes) / defaultResolutionSeconds;
    const shown = memory === peak ? '' : `, at most ${rounded(median(peak))} MiB`;
    return `| ${nodes.toLocaleString('en-US')} | ${pods.toLocaleString('en-US')} | ${rounded(median(memory))} MiB${shown} | ${rounded(millicores)} millicores |`;
  });
  return ['| nodes | pods | memory | CPU |', '|---|---|---|---|', ...rows].join('\n');
}

const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;

export function costTable(): string {
  const rows = bars().map(({ what, theirs, ours, ratio }) => `| ${what} | ${theirs} | ${ours} | ${percent(ratio)} |`);
  return ["| what | metrics-server 0.9 | kubegauge | of metrics-server's |", '|---|---|---|---|', ...rows].join('\n');
}

interface Single {
  readonly what: string;
  readonly figure: string;
  readonly unit: string;
  /** Empty where none was set. */
  readonly goal?: string;
  /** Shows the quartiles, too: of times by the clock. */
  readonly hasSpread?: boolean;
}

const historySingles: readonly Single[] = [
  {
    what: 'an hour of points of 1,000 nodes and 60,000 containers: heap and arrays',
    figure: 'history.1000x30.heap-and-arrays',
    unit: 'MiB',
    goal: '19 MiB',
  },
  { what: 'the same: growth of the process', figure: 'history.1000x30.rss', unit: 'MiB', goal: '19 MiB' },
  { what: 'the same: CPU of the points of a minute', figure: 'history.1000x30.points-of-a-minute', unit: 'ms' },
  { what: 'the same: its file', figure: 'history.1000x30.file', unit: 'MiB' },
  {
    what: 'the same: CPU of writing the file, every five minutes and at the end',
    figure: 'history.1000x30.save',
    unit: 'ms',
  },
  { what: 'the same: CPU of reading the file at the start', figure: 'history.1000x30.restore', unit: 'ms' },
];

const topSingles: readonly Single[] = [100, 1_000].flatMap((nodes): readonly Single[] => {
  const of = `\`kubegauge top\`, ${nodes.toLocaleString('en-US')} nodes`;
  return [
    {
      what: `${of}: CPU between refreshes`,
      figure: `top.${nodes}.idle.cpu-per-second`,
      unit: 'millicores',
      goal: '20 millicores',
    },
    { what: `${of}: CPU of a refresh`, figure: `top.${nodes}.cpu-per-refresh`, unit: 'ms' },
    { what: `${of}: CPU with a refresh every 15 s`, figure: `top.${nodes}.cpu-per-second`, unit: 'millicores' },
    { what: `${of}: requests per minute`, figure: `top.${nodes}.requests-per-minute`, unit: '' },
    { what: `${of}: memory`, figure: `top.${nodes}.rss`, unit: 'MiB' },
  ];
});

const firstScreens: readonly Single[] = [5_000, 30_000].flatMap((pods): readonly Single[] => {
  const what = `\`kubegauge top\`, 1,000 nodes and ${pods.toLocaleString('en-US')} pods`;
  const of = `top.first-screen.${pods}`;
  const clock = (name: string) => ({ figure: `${of}.by-the-clock.${name}`, unit: 'ms', hasSpread: true });
  return [
    { what: `${what}: header and nodes, from the first answer`, ...clock('from-first-answer'), goal: '300 ms' },
    { what: `${what}: the same, from the last answer that they need`, ...clock('from-last-answer') },
    { what: `${what}: the same, from the start`, ...clock('from-start') },
    { what: `${what}: CPU until then`, figure: `${of}.cpu`, unit: 'ms' },
    { what: `${what}: what all pods request, from the start`, ...clock('requested') },
  ];
});

const uiSingles: readonly Single[] = [
  ['first contentful paint, from opening the link', 'first-paint', '1,000 ms'],
  ['numbers of the cluster and its nodes, from opening the link', 'first-numbers', ''],
  ['link printed, from the start', 'start-to-link', ''],
  ['between two frames while all pods scroll', 'scrolled-frame', ''],
].map(([what = '', name = '', goal = '']) => ({
  what: `\`kubegauge ui\`, 200 nodes and 5,000 pods: ${what}`,
  figure: `ui.5000.by-the-clock.${name}`,
  unit: 'ms',
  goal,
  hasSpread: true,
}));

const scrollSingle: Single = {
  what: '`kubegauge ui`, 200 nodes and 5,000 pods: CPU of the page per frame while all pods scroll',
  figure: 'ui.5000.cpu-per-scrolled-frame',
  unit: 'ms',
};

/** Returns what the history and the screens of people cost. */
export function lookingTable(): string {
  const weightKiB = median('ui.page-weight') / 1024;
  const rows = [
    ...[...historySingles, ...topSingles, ...firstScreens, ...uiSingles, scrollSingle].map(singleRow),
    `| \`kubegauge ui\`: all files of the page, as they are sent | ${rounded(weightKiB)} KiB | 120 KiB |`,
  ];
  const measured = readMeasured();
  const runOfPart = (part: string, what: string) =>
    measuredWhere(runOf(measured, part)).replace(/^Measured/, `${what} measured`);
  const runs = [
    runOfPart('history', 'The history was'),
    runOfPart('first-screen', 'First screens of `top` were'),
    runOfPart('top', '`top` was'),
    runOfPart('ui', '`ui` was'),
  ];
  return ['| what | measured | goal |', '|---|---|---|', ...rows, '', ...runs].join('\n');
}

function singleRow({ what, figure, unit, goal = '', hasSpread = false }: Single): string {
  const { low, high } = readMeasured().figures[figure] ?? { low: Number.NaN, high: Number.NaN };
  const spread = hasSpread ? ` (${rounded(low)} to ${rounded(high)})` : '';
  return `| ${what} | ${`${rounded(median(figure))} ${unit}${spread}`.trim()} | ${goal} |`;
}

const customServers = [
  { what: 'metrics-server, which has no custom metrics', kind: 'real' },
  { what: 'kubegauge without `--custom-metrics=kubelet`', kind: 'filtered' },
  { what: 'with it, and no metric wanted', kind: 'custom-none' },
  { what: 'with two metrics wanted', kind: 'custom-two' },
  { what: 'with ten metrics wanted', kind: 'custom-ten' },
] as const;

/** Returns what custom metrics from kubelets cost, for nodes of 30 pods. */
export function customTable(): string {
  const rows = customServers.map(({ what, kind }) => {
    const of = `paced-custom.30.${kind}`;
    const { low, high } = readMeasured().figures[of] ?? { low: Number.NaN, high: Number.NaN };
    const memory = rounded(median(`${of}.rss-at-50-nodes`));
    return `| ${what} | ${rounded(median(of))} ms (${rounded(low)} to ${rounded(high)}) | ${memory} MiB |`;
  });
  const where = measuredWhere(runOf(readMeasured(), 'paced-custom'));
  return ['| server | CPU per scrape | memory with 50 nodes |', '|---|---|---|', ...rows, '', where].join('\n');
}

const rowHeight = 26;
const labelWidth = 540;
const barWidth = 340;
const top = 40;

/** Returns the chart as SVG: a bar is what kubegauge takes of metrics-server's. */
export function costChart(): string {
  const all = bars();
  const largest = Math.max(1, ...all.map(({ ratio }) => ratio)) * 1.15;
  const x = (ratio: number): number => Math.round(labelWidth + (ratio / largest) * barWidth);
  const height = top + all.length * rowHeight + 12;
  const width = labelWidth + barWidth + 20;
  const text = (left: number, y: number, content: string, more = ''): string =>
    `<text x="${left}" y="${y}"${more}>${content.replaceAll('`', '').replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
  const rows = all.flatMap(({ what, ratio }, index) => {
    const y = top + index * rowHeight;
    const fill = ratio <= 1 ? '#2a7f62' : '#b5542b';
    return [
      text(labelWidth - 10, y + 16, what, ' text-anchor="end"'),
      `<rect x="${labelWidth}" y="${y + 4}" width="${x(ratio) - labelWidth}" height="${rowHeight - 10}" fill="${fill}"/>`,
      // Readable on the dashed line, too.
      text(x(ratio) + 6, y + 16, percent(ratio), ' stroke="#fff" stroke-width="4" paint-order="stroke"'),
    ];
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#222" role="img">`,
    '<title>What kubegauge takes, in percent of what metrics-server 0.9 takes</title>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(x(1), 16, 'metrics-server: 100 %', ' text-anchor="middle"'),
    `<line x1="${x(1)}" y1="22" x2="${x(1)}" y2="${height - 10}" stroke="#888" stroke-dasharray="4 3"/>`,
    ...rows,
    '</svg>',
  ].join('\n')}\n`;
}

/** The flags as Markdown, beside those of metrics-server. */
import { parseDuration } from '../../src/apimachinery/duration.ts';
import { type FlagName, flags, flagSections } from '../../src/options/flags.ts';
import type { Flag } from '../../src/options/flags/flag.ts';
import { prometheusFlags } from '../../src/options/flags/prometheus.ts';
import { ignoredFlags, ignoredPrefix, lossOf } from '../../src/options/ignoredflags.ts';
import { spelling } from '../../src/options/usage.ts';
import { metricsServerFlags } from './metricsserverflags.ts';

/** Same meaning, although the defaults are written differently. */
const equalByMeaning: ReadonlySet<FlagName> = new Set([
  // Go's own minimum is TLS 1.2.
  'tls-min-version',
  // The paths of metrics-server's default need no right here either, whatever the flag says.
  'authorization-always-allow-paths',
]);

/** Flags of prometheus-adapter 0.12 that metrics-server does not have. */
const adapterFlags: ReadonlySet<string> = new Set(
  Object.keys(prometheusFlags).filter((name) => name !== 'prometheus-queries'),
);
/** Accepted for its manifests; metrics-server has never had them. */
const ignoredAdapterFlags: ReadonlySet<string> = new Set(['discovery-interval', 'client-qps', 'client-burst']);

/** Returns a table for each section of --help. */
export function flagTables(): string {
  const theirs = metricsServerFlags();
  return Object.entries(flagSections)
    .map(([section, all]) => {
      const rows = Object.entries(all).map(([name, flag]) => flagRow(name, flag, theirs));
      const head = ['| flag | type | default | metrics-server 0.9 | what it does |', '|---|---|---|---|---|'];
      return [`### ${titles[section] ?? section}`, '', ...head, ...rows].join('\n');
    })
    .join('\n\n');
}

/** Where the section's name in --help is short. */
const titles: Readonly<Record<string, string>> = { Kubelet: 'Connections to kubelets', Misc: 'Diagnosis and help' };

function flagRow(name: string, flag: Flag, theirs: ReadonlyMap<string, string | undefined>): string {
  const value = flag.default ? `\`${flag.default}\`` : '';
  return `| \`${spelling(name, flag)}\` | ${flag.type} | ${value} | ${comparison(name, flag, theirs)} | ${flag.help} |`;
}

/** Returns `same`, its other default, or that it lacks the flag. */
export function comparison(name: string, flag: Flag, theirs: ReadonlyMap<string, string | undefined>): string {
  // cobra adds it without a line of help.
  if (name === 'help') return 'same';
  if (!theirs.has(name)) return adapterFlags.has(name) ? "prometheus-adapter's" : 'only here';
  const other = theirs.get(name);
  if (equalByMeaning.has(name as FlagName)) return 'same';
  return canonical(flag, flag.default) === canonical(flag, other)
    ? 'same'
    : `default ${other === undefined ? (zeroValues[flag.type] ?? 'empty') : `\`${other}\``}`;
}

const zeroValues: Partial<Record<Flag['type'], string>> = {
  boolean: '`false`',
  integer: '`0`',
  number: '`0`',
  duration: '`0s`',
};

function canonical({ type }: Flag, value: string | undefined): string {
  if (type === 'duration') return String(parseDuration(value ?? '0s'));
  if (value === undefined || value === '')
    return type === 'boolean' ? 'false' : type === 'integer' || type === 'number' ? '0' : '';
  return value;
}

/** Returns the flags that are accepted without effect: those that cost something first. */
export function ignoredTable(): string {
  const theirs = metricsServerFlags();
  const row = (name: string, loss: string, other: string): string => `| ${name} | ${other} | ${loss} |`;
  const costly = ignoredFlags.filter((name) => lossOf(name) !== undefined);
  const others = ignoredFlags.filter((name) => lossOf(name) === undefined);
  const names = (some: readonly string[]): string => some.map((name) => `\`--${name}\``).join(', ');
  const age = (name: string): string => (theirs.has(name) ? 'yes' : 'older versions');
  return [
    '| flag | in metrics-server 0.9 | what is lost |',
    '|---|---|---|',
    row(`\`--${ignoredPrefix}*\``, lossOf(ignoredPrefix) ?? '', 'yes'),
    ...costly.map((name) => row(`\`--${name}\``, lossOf(name) ?? '', age(name))),
    row(names(others.filter((name) => theirs.has(name))), 'they have no counterpart here', 'yes'),
    row(
      names(others.filter((name) => !theirs.has(name) && !ignoredAdapterFlags.has(name))),
      'they have no counterpart here',
      'older versions',
    ),
    row(names([...ignoredAdapterFlags]), 'they have no counterpart here', 'no: prometheus-adapter 0.12'),
  ].join('\n');
}

/** Returns the flags of metrics-server that are neither known nor ignored; there are to be none. */
export function unknownFlags(): string[] {
  const isKnown = (name: string): boolean =>
    Object.hasOwn(flags, name) || ignoredFlags.includes(name) || name.startsWith(ignoredPrefix);
  return [...metricsServerFlags().keys()].filter((name) => !isKnown(name));
}

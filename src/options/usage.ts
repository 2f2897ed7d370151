/** --help and the README's flag table, both printed from the one table. */
import { type Flag, flags } from './flags.ts';

/** The text of --help, by section. */
export function helpText(): string {
  const lines = [
    'kubegauge serves metrics.k8s.io from the kubelets of a Kubernetes cluster.',
    '',
    'Usage: kubegauge [flags]',
    '       kubegauge status [nodes] [flags]   prints how the scrapes of a server beside it go; with the flags of that server',
  ];
  for (const section of sections()) {
    lines.push('', `${section} flags:`, '');
    for (const [name, flag] of flagsOf(section)) {
      lines.push(
        `  ${spelling(name, flag)} ${flag.type}${flag.default ? ` (default ${flag.default})` : ''}`,
        `        ${flag.help}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

/** The README's table in Markdown. */
export function flagTable(): string {
  const rows = sections().flatMap((section) =>
    flagsOf(section).map(
      ([name, flag]) =>
        `| \`${spelling(name, flag)}\` | ${flag.type} | ${flag.default ? `\`${flag.default}\`` : ''} | ${flag.help} |`,
    ),
  );
  return ['| flag | type | default | what it does |', '|---|---|---|---|', ...rows].join('\n');
}

function sections(): string[] {
  return [...new Set(Object.values<Flag>(flags).map((flag) => flag.section))];
}

function flagsOf(section: string): [string, Flag][] {
  return Object.entries<Flag>(flags).filter(([, flag]) => flag.section === section);
}

function spelling(name: string, flag: Flag): string {
  return flag.short === undefined || flag.short === name
    ? name.length === 1
      ? `-${name}`
      : `--${name}`
    : `-${flag.short}, --${name}`;
}

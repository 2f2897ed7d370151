/** Prints the flag table as --help. */
import { flagSections } from './flags.ts';
import type { Flag } from './flags/flag.ts';

/** Returns the text of --help. */
export function helpText(): string {
  const lines = [
    'kubegauge serves metrics.k8s.io from the kubelets of a Kubernetes cluster.',
    '',
    'Usage: kubegauge [flags]',
    '       kubegauge status [nodes] [flags]   prints the scrape status of a running server; with the flags of that server',
    '       kubegauge doctor [checks] [-o table|json|yaml] [--kubeconfig=<file>]   examines the cluster and prints what is wrong, with remedies; exit code 0 no errors, 1 errors, 2 could not examine',
    '       kubegauge trust <node> [key] [flags]   pins the key that the kubelet of a node shows now (--kubelet-tls=pin), or the given one',
    '',
    'Pages in docs/ of the source: install.md, configuration.md (these flags beside those of metrics-server),',
    'troubleshooting.md (each code in the log, in `kubegauge status` and in a 404), doctor.md (findings of `kubegauge doctor`).',
  ];
  for (const [section, flags] of Object.entries(flagSections)) {
    lines.push('', `${section} flags:`, '');
    for (const [name, flag] of Object.entries(flags)) {
      lines.push(
        `  ${spelling(name, flag)} ${flag.type}${flag.default ? ` (default ${flag.default})` : ''}`,
        `        ${flag.help}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Returns the flag as users write it. */
export function spelling(name: string, flag: Flag): string {
  return flag.short === undefined || flag.short === name
    ? name.length === 1
      ? `-${name}`
      : `--${name}`
    : `-${flag.short}, --${name}`;
}

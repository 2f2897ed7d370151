/** Which values of flags are for which engine of --prometheus-url. */
import type { PrometheusUrl } from './prometheusurls.ts';

/** Flags whose values are for one engine: credentials, and what verifies it. */
export type EngineFlag =
  | 'prometheus-header'
  | 'prometheus-auth-config'
  | 'prometheus-ca-file'
  | 'prometheus-client-tls-cert-file'
  | 'prometheus-client-tls-key-file'
  | 'prometheus-token-file';

export interface EngineFlags extends Readonly<Partial<Record<EngineFlag, readonly string[]>>> {
  readonly 'prometheus-auth-incluster'?: boolean;
}

/** The values for one engine. */
export interface PrometheusSettings extends PrometheusUrl {
  readonly headers: readonly string[];
  readonly authConfig: string | undefined;
  /** Whether it gets our pod's token and the cluster's CA. */
  readonly isInCluster: boolean;
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly tokenFile: string | undefined;
}

/** @param urls at least one. */
export function prometheusSettings(flags: EngineFlags, urls: readonly PrometheusUrl[]): readonly PrometheusSettings[] {
  return urls.map((url) => {
    const all = (flag: EngineFlag) => valuesOf(flags[flag] ?? [], url, urls);
    // As in prometheus-adapter, the last one counts.
    const last = (flag: EngineFlag) => all(flag).at(-1);
    return {
      ...url,
      headers: all('prometheus-header'),
      authConfig: last('prometheus-auth-config'),
      isInCluster: flags['prometheus-auth-incluster'] ?? false,
      caFile: last('prometheus-ca-file'),
      certFile: last('prometheus-client-tls-cert-file'),
      keyFile: last('prometheus-client-tls-key-file'),
      tokenFile: last('prometheus-token-file'),
    };
  });
}

/** Returns what is wrong, without the values, which may be secrets. */
export function prometheusSettingsProblems(flags: EngineFlags, urls: readonly PrometheusUrl[]): readonly string[] {
  const names = urls.map(({ name }) => name).join(', ');
  const unbound = credentialFlags
    .filter((flag) => urls.length > 1 && flags[flag]?.some((value) => split(value, urls) === undefined))
    .map(
      (flag) =>
        `--${flag}: each of ${names} would get it; write --${flag}=<name>=<value> for the engine that it is for`,
    );
  const halves = prometheusSettings(flags, urls)
    .filter(({ certFile, keyFile }) => (certFile === undefined) !== (keyFile === undefined))
    .map(({ name }) => {
      const whose = urls.length > 1 ? `, each for ${name}` : '';
      return `need both --prometheus-client-tls-cert-file and --prometheus-client-tls-key-file${whose}`;
    });
  return [...unbound, ...halves, ...accountProblems(flags, urls)];
}

/** In prometheus-adapter's words where it has the rule. */
function accountProblems(flags: EngineFlags, urls: readonly PrometheusUrl[]): readonly string[] {
  if (flags['prometheus-auth-incluster'] !== true) return [];
  const problems: string[] = [];
  if (urls.length > 1) {
    const names = urls.map(({ name }) => name).join(', ');
    problems.push(
      `--prometheus-auth-incluster: each of ${names} would get our token; mount a token for the one that needs it, and name it by --prometheus-token-file=<name>=<file>`,
    );
  }
  if ((flags['prometheus-auth-config'] ?? []).length > 0)
    problems.push('may not use both --prometheus-auth-incluster and --prometheus-auth-config at the same time');
  return problems;
}

/** All but the CA, which is no secret: one for all engines is usual. */
const credentialFlags = [
  'prometheus-header',
  'prometheus-auth-config',
  'prometheus-client-tls-cert-file',
  'prometheus-client-tls-key-file',
  'prometheus-token-file',
] as const satisfies readonly EngineFlag[];

/** Values without a name come first: those of an engine replace them. */
function valuesOf(
  values: readonly string[],
  { name }: PrometheusUrl,
  urls: readonly PrometheusUrl[],
): readonly string[] {
  const unbound = values.filter((value) => split(value, urls) === undefined);
  const own = values.flatMap((value) => {
    const bound = split(value, urls);
    return bound?.name === name ? [bound.value] : [];
  });
  return [...unbound, ...own];
}

interface Bound {
  readonly name: string;
  readonly value: string;
}

/** Returns undefined for a value without the name of an engine. One URL without a name leaves values as they are. */
function split(text: string, urls: readonly PrometheusUrl[]): Bound | undefined {
  const [, name, value = ''] = /^([a-z0-9-]{1,63})=(.*)$/s.exec(text) ?? [];
  const url = urls.find((each) => each.name === name);
  if (name === undefined || url === undefined || (urls.length === 1 && !url.isNamed)) return undefined;
  return { name, value };
}

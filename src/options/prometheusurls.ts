/** The values of --prometheus-url: a URL, or a name and a URL for each of several sources. */

export interface PrometheusUrl {
  /** As rules name it in `source`. */
  readonly name: string;
  readonly url: string;
  /** Whether the flag has the name. */
  readonly isNamed: boolean;
}

/** The name of a URL without one. */
const defaultPrometheusName = 'prometheus';
/** prometheus-adapter's default. */
const defaultPrometheusUrl = 'https://localhost';

/** @param values of the flag; none is prometheus-adapter's default. */
export function parsePrometheusUrls(values: readonly string[]): readonly PrometheusUrl[] {
  const given = values.length === 0 ? [defaultPrometheusUrl] : values;
  return given.map((value) => {
    const [, name, url = value] = /^([a-z0-9-]{1,63})=(.*)$/s.exec(value) ?? [];
    return { name: name ?? defaultPrometheusName, url, isNamed: name !== undefined };
  });
}

/** Returns what is wrong, without the values, which may have passwords. */
export function prometheusUrlsProblem(values: readonly string[]): string | undefined {
  const parsed = parsePrometheusUrls(values);
  for (const { name, url, isNamed } of parsed) {
    const { protocol } = URL.canParse(url) ? new URL(url) : { protocol: '' };
    if (protocol !== 'http:' && protocol !== 'https:') {
      const which = isNamed ? `the one of ${name}` : 'a value';
      return `${which} is no http or https URL; write <url>, such as http://prometheus:9090, or <name>=<url> for each of several`;
    }
  }
  const names = parsed.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated === undefined) return undefined;
  return `two have the name ${repeated}; write <name>=<url> for each, and choose one in a rule by source`;
}

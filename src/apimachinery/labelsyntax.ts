/** Validates label keys and values, with Kubernetes' messages. */

/** Returns undefined for a valid key such as `example.com/name`. */
export function labelKeyProblem(key: string): string | undefined {
  const parts = key.split('/');
  if (parts.length > 2) {
    return `a valid label key ${nameRule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;
  }
  const name = parts.at(-1) ?? '';
  const problems = parts.length === 2 ? prefixProblems(parts[0] ?? '') : [];
  if (name === '') problems.push('name part must be non-empty');
  if (Buffer.byteLength(name) > nameLimitBytes) problems.push(`name part ${atMost(nameLimitBytes)}`);
  if (!namePattern.test(name)) problems.push(`name part ${nameRule}`);
  return joined(problems);
}

/** Returns undefined for a valid value. */
export function labelValueProblem(value: string): string | undefined {
  const problems: string[] = [];
  if (Buffer.byteLength(value) > nameLimitBytes) problems.push(atMost(nameLimitBytes));
  if (value !== '' && !namePattern.test(value)) problems.push(valueRule);
  return joined(problems);
}

const nameLimitBytes = 63;
const prefixLimitBytes = 253;

// No text makes these patterns backtrack.
const namePattern = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const prefixPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

// Two spaces before 'or', as in Kubernetes.
const nameRule =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  "(e.g. 'MyName',  or 'my.name',  or '123-abc', " +
  "regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const valueRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
  'and must start and end with an alphanumeric character ' +
  "(e.g. 'MyValue',  or 'my_value',  or '12345', " +
  "regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const prefixRule =
  "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
  'and must start and end with an alphanumeric character ' +
  "(e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

function prefixProblems(prefix: string): string[] {
  if (prefix === '') return ['prefix part must be non-empty'];
  const problems: string[] = [];
  if (Buffer.byteLength(prefix) > prefixLimitBytes) problems.push(`prefix part ${atMost(prefixLimitBytes)}`);
  if (!prefixPattern.test(prefix)) problems.push(prefixRule);
  return problems;
}

function atMost(bytes: number): string {
  return `must be no more than ${bytes} bytes`;
}

function joined(problems: readonly string[]): string | undefined {
  return problems.length === 0 ? undefined : problems.join('; ');
}

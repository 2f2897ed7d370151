/** The stand-in's few flags. */
import { parseArgs } from 'node:util';

export interface StandinOptions {
  readonly nodes: number;
  readonly pods: number;
  readonly seed: number;
  /** Whether nothing restarts, is rolled out, scaled or fails. */
  readonly calm: boolean;
  /** 0 takes a free one. */
  readonly apiPort: number;
  readonly port: number;
  /** Where kubeconfigs, certificates and the token are written. */
  readonly certDir: string;
}

/** Bad flags; the message says which. */
export class UsageError extends Error {}

const flags = {
  nodes: { default: '3', help: 'Simulated nodes, each with a kubelet.', minimum: 1, maximum: 500 },
  pods: { default: '40', help: 'Simulated pods, about; some are always there.', minimum: 0, maximum: 20_000 },
  seed: { default: '1', help: 'Another number is another cluster.', minimum: 0, maximum: 2 ** 32 },
  'api-port': {
    default: '18443',
    help: "Port of the stand-in's API server; 0 takes a free one.",
    minimum: 0,
    maximum: 65_535,
  },
  port: { default: '14443', help: 'Port of the metrics server; 0 takes a free one.', minimum: 0, maximum: 65_535 },
} as const;

type NumberFlag = keyof typeof flags;

export function usage(): string {
  const lines = Object.entries(flags).map(([name, flag]) => line(`--${name}=${flag.default}`, flag.help));
  const text = [
    ...lines,
    line('--cert-dir=certs', 'Where kubeconfigs, certificates and a token are written.'),
    line('--calm', 'No container restarts, nothing is rolled out or scaled, no kubelet fails.'),
  ];
  return `Starts a simulated cluster and the metrics server for it.\n\n${text.join('\n')}\n`;
}

/** Undefined when help is asked for. @throws UsageError with everything that is wrong. */
export function parseOptions(argv: readonly string[]): StandinOptions | undefined {
  const { values, problems } = parse(argv);
  if (values['help'] === true) return undefined;
  const number = (name: NumberFlag): number => {
    const { default: fallback, minimum, maximum } = flags[name];
    const text = values[name] ?? fallback;
    const value = Number(text);
    if (typeof text === 'string' && /^\d+$/.test(text) && value >= minimum && value <= maximum) return value;
    if (typeof text === 'boolean') problems.push(`--${name}: needs a value, as in --${name}=${fallback}`);
    else problems.push(`--${name}=${text}: must be a whole number from ${minimum} to ${maximum}`);
    return value;
  };
  const options = {
    nodes: number('nodes'),
    pods: number('pods'),
    seed: number('seed'),
    calm: values['calm'] === true,
    apiPort: number('api-port'),
    port: number('port'),
    certDir: typeof values['cert-dir'] === 'string' ? values['cert-dir'] : 'certs',
  };
  if (options.port !== 0 && options.port === options.apiPort)
    problems.push(`--port and --api-port are both ${options.port}: choose two ports, or 0 for free ones`);
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return options;
}

function parse(argv: readonly string[]) {
  const names: readonly string[] = [...Object.keys(flags), 'cert-dir'];
  const known = Object.fromEntries(names.map((name) => [name, { type: 'string' }] as const));
  const problems: string[] = [];
  const { values, tokens } = parseArgs({
    args: [...argv],
    options: { ...known, calm: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === 'positional') problems.push(`${token.value}: not a flag; see --help`);
    else if (token.kind === 'option' && !['help', 'h', 'calm', ...names].includes(token.name)) {
      problems.push(`${token.rawName}: no such flag; see --help`);
    }
  }
  return { values, problems };
}

function line(flag: string, help: string): string {
  return `  ${flag.padEnd(18)}  ${help}`;
}

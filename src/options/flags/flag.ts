/** The type of a flag, and checks that several flags use. */

/**
 * A duration becomes milliseconds. A list is split at commas and may be given more than once; a repeated flag may be
 * given more than once and is not split.
 */
export type FlagType = 'string' | 'boolean' | 'integer' | 'number' | 'duration' | 'list' | 'repeated';

export interface Flag {
  readonly type: FlagType;
  /** As on the command line; undefined means unset, and `help` says what happens then. */
  readonly default: string | undefined;
  /** Says what it does, its unit, what unset means, and when to change it. */
  readonly help: string;
  readonly short?: string;
  /** The value may have a password: messages do not repeat it. */
  readonly isSecret?: true;
  /** Returns what is wrong with a value. */
  readonly check?: (value: never) => string | undefined;
}

/** The flags of one section of --help, by name. */
export type FlagSection = Readonly<Record<string, Flag>>;

/** Limit of all waits: Node's timers hold 24 days and fire at once beyond. */
export const dayMs = 86_400_000;

export const atLeast = (minimumMs: number, text: string) => (ms: number) =>
  ms >= minimumMs ? undefined : `must be at least ${text}`;

export const between =
  (minimumMs: number, maximumMs: number, minimum: string, maximum: string) =>
  (ms: number): string | undefined =>
    ms > maximumMs ? `must be at most ${maximum}` : atLeast(minimumMs, minimum)(ms);

export const positive = atLeast(1, '1ms');

export const notNegative = atLeast(0, '0s');

export const countOrNoLimit = (value: number) => (value >= 0 ? undefined : 'must be 0, for no limit, or more');

export const oneOf =
  (...allowed: readonly string[]) =>
  (value: string) =>
    allowed.includes(value) ? undefined : `must be one of ${allowed.join(', ')}`;

export const port = (value: number) =>
  value >= 1 && value <= 65_535 ? undefined : 'must be a port between 1 and 65535';

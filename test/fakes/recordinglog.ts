/** A log that a test can look into. */
import { pino } from 'pino';
import type { Logger } from '../../src/logging.ts';

export interface RecordingLog {
  readonly log: Logger;
  /** Level and message of each line, such as `warn: cannot scrape node`. */
  readonly lines: readonly string[];
}

export function createRecordingLog(): RecordingLog {
  const lines: string[] = [];
  const out = {
    write(line: string): void {
      const { level, msg } = JSON.parse(line);
      lines.push(`${level}: ${msg}`);
    },
  };
  return { log: pino({ formatters: { level: (label) => ({ level: label }) } }, out), lines };
}

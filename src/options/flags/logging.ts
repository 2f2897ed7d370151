/** Flags about the log. */
import { type FlagSection, oneOf } from './flag.ts';

export const loggingFlags = {
  v: {
    type: 'integer',
    default: '0',
    short: 'v',
    help: 'Log verbosity; from 2 on failed scrapes of nodes that are not ready are logged, too.',
  },
  'logging-format': {
    type: 'string',
    default: 'text',
    check: oneOf('text', 'json'),
    help: 'Format of log lines: text or json.',
  },
} as const satisfies FlagSection;

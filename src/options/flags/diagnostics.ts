/** Flags that print something and exit, and those for diagnosis. */
import type { FlagSection } from './flag.ts';

export const diagnosticFlags = {
  'disable-fast-path': {
    type: 'boolean',
    default: 'false',
    help: 'Decode, store and encode by the slow paths only, which takes several times the CPU. Use it to rule out a bug in a fast path.',
  },
  help: { type: 'boolean', default: 'false', short: 'h', help: 'Print this help.' },
  version: { type: 'boolean', default: 'false', help: 'Print the version.' },
} as const satisfies FlagSection;

/** Flags that print something and exit. */
import type { FlagSection } from './flag.ts';

export const miscFlags = {
  help: { type: 'boolean', default: 'false', short: 'h', help: 'Print this help.' },
  version: { type: 'boolean', default: 'false', help: 'Print the version.' },
} as const satisfies FlagSection;

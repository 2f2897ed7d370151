/** All mutations. */
import { exposition } from './exposition.ts';
import { kubeletSeries } from './kubeletseries.ts';
import type { Mutation } from './mutation.ts';
import { pinning } from './pinning.ts';
import { placement } from './placement.ts';
import { recognition } from './recognition.ts';
import { rules } from './rules.ts';
import { selection } from './selection.ts';
import { storage } from './storage.ts';
import { usages } from './usages.ts';

export const mutations: readonly Mutation[] = [
  ...storage,
  ...selection,
  ...recognition,
  ...exposition,
  ...placement,
  ...pinning,
  ...rules,
  ...kubeletSeries,
  ...usages,
];

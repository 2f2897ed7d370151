/** Reads flags of a server out of the words of its command line. */
import { ownAccount } from '../options/flags/kubelet.ts';
import { namedAccount } from '../options/validate.ts';
import type { ServiceAccount } from '../client/tokenrequest.ts';

/** Returns the value of a flag; `true` for one without a value. The last one counts. */
export function flagIn(words: readonly string[], name: string): string | undefined {
  const dashes = name.length === 1 ? '-' : '--';
  const at = words.findLastIndex((word) => word === `${dashes}${name}` || word.startsWith(`${dashes}${name}=`));
  const word = words[at];
  if (word === undefined) return undefined;
  if (word.includes('=')) return word.slice(word.indexOf('=') + 1);
  const next = words[at + 1];
  return next === undefined || next.startsWith('-') ? 'true' : next;
}

/** Returns the account of --kubelet-service-account; undefined if kubelets get the token of the server's own account. */
export function separateAccountIn(words: readonly string[], namespace: string): ServiceAccount | undefined {
  const setting = flagIn(words, 'kubelet-service-account');
  if (setting === undefined || setting === ownAccount) return undefined;
  return namedAccount(setting, namespace);
}

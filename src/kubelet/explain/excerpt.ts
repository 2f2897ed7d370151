/** Quotes what a server said, short and in one line, for a log. */
import { excerpt } from '../../foreigntext.ts';

/** Characters: enough to recognise the sender, and for the sentences of kube-apiserver that name a user and a right. */
const quoteLimit = 300;

/** Returns the beginning of what a server said, without secrets, in one line of printable characters. */
export function quote(said: Buffer | string, limit = quoteLimit): string {
  return excerpt(said, { limit, plain: true });
}

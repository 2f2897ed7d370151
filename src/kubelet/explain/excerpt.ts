/** Quotes what a server said, short and in one line, for a log. */
import { excerpt } from '../../foreigntext.ts';

/** Enough to recognise the sender, and for kube-apiserver's sentences with user and right. */
const quoteLimit = 300;

/** Returns a server's first words in one printable line, without secrets, for a log. */
export function quote(said: Buffer | string, limit = quoteLimit): string {
  return excerpt(said, { limit, plain: true });
}

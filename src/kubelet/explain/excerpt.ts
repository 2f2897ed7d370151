/** What a server said, short and in one line, for a log. */

import { foreignText } from '../../foreigntext.ts';

/** Enough of a text to recognise whose it is, and for the sentences of kube-apiserver that name a user and a right. */
const quoteLimit = 300;

/** Bytes of which a quotation is made, more than its limit: they may be spaces, or a secret that is to be recognised. */
const readBytes = 4096;

/** Returns the beginning of what a server said, without secrets, in one line of printable characters. */
export function quote(said: Buffer | string, limit = quoteLimit): string {
  const text = typeof said === 'string' ? said.slice(0, readBytes) : said.toString('latin1', 0, readBytes);
  return foreignText(text, { limit, plain: true });
}

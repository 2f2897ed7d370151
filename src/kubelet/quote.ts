/** What a server said, short and in one line, for a log. */

/** Enough of a text to recognise whose it is, and for the sentences of kube-apiserver that name a user and a right. */
const limit = 300;

export function quote(said: Buffer | string): string {
  const text = typeof said === 'string' ? said.slice(0, limit) : said.toString('latin1', 0, limit);
  return text.replaceAll(/[^\x21-\x7e]+/g, ' ').trim();
}

/** Reads a list of kube-apiserver page by page. */
import { field, text } from './json.ts';

/** The parameters of one page, beside others of the list. */
export type PageQuery = Readonly<{ limit: string; continue?: string }>;

/**
 * Yields each page's object until one has no continue token. The caller ends it where a list may be too long.
 * @param read sends the GET of one page.
 * @param pageSize objects per page.
 */
export async function* listPages(
  read: (query: PageQuery) => Promise<unknown>,
  pageSize: number,
): AsyncGenerator<unknown, void> {
  const limit = String(pageSize);
  let next = '';
  do {
    const page = await read(next === '' ? { limit } : { limit, continue: next });
    next = text(field(field(page, 'metadata'), 'continue')) ?? '';
    yield page;
  } while (next !== '');
}

/** The pages without a session: the one that a link opens, and those that say why there is none. They have no scripts, styles or images. */

/**
 * Goes on to the page. A redirect would not do: where the link is on a page of another site, browsers send a SameSite=Strict cookie only with a request that our
 * own page begins.
 */
export const openingPage = page(
  '<meta http-equiv="refresh" content="0;url=./">',
  '<p><a href="./">Open kubegauge</a></p>',
);

export const usedLinkPage = page(
  '',
  '<h1>This link has been used</h1><p>A link opens once. It was used a second time, so the session that it opened has ended, too.</p>' +
    '<p>Open the new link in the terminal where kubegauge runs; after <code>kubegauge ui</code>, press Enter there for one.</p>',
);

export const noSessionPage = page(
  '',
  '<h1>This browser has no session</h1><p>Open the link in the terminal where kubegauge runs; after <code>kubegauge ui</code>, press Enter there for a new one.</p>',
);

function page(head: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>kubegauge</title>${head}</head><body>${body}</body></html>\n`;
}

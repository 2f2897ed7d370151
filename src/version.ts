/** What this program is called to the outside. */

/** The release, equal to package.json's version; a test holds them together. */
export const version = '0.1.0';

/** Sent with every request that we make. */
export const userAgent = `kubegauge/${version}`;

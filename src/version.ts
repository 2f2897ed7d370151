/** The release; a test compares it with package.json. */
export const version = '0.1.0';

/** User-Agent of our requests. */
export const userAgent = `kubegauge/${version}`;

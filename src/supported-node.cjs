// Runs before every npm script, in syntax that any Node understands: an old one must say so instead of showing a stack.
'use strict';

var MINIMUM_MAJOR = 24;
var found = process.versions.node;
if (Number(found.split('.')[0]) < MINIMUM_MAJOR) {
  console.error(
    'kubegauge needs Node ' +
      MINIMUM_MAJOR +
      ' or newer, found ' +
      found +
      '; run `npm ci` without --omit=optional, which brings it.',
  );
  process.exit(1);
}

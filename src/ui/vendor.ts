/** Files of packages that the page uses. */

/** At `vendor/<name>`: where the file is below node_modules. Imports of one listed module by another are rewritten to its name here. */
export const vendorFiles: Readonly<Record<string, { readonly file: string; readonly module?: string }>> = {
  'preact.js': { file: 'preact/dist/preact.mjs', module: 'preact' },
  'hooks.js': { file: 'preact/hooks/dist/hooks.mjs', module: 'preact/hooks' },
  'htm.js': { file: 'htm/dist/htm.mjs', module: 'htm' },
  'uplot.js': { file: 'uplot/dist/uPlot.esm.js', module: 'uplot' },
  'uplot.css': { file: 'uplot/dist/uPlot.min.css' },
};

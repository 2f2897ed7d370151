/** Loads the end-to-end files of this run, by stage; the test runner loads this file. */
import path from 'node:path';
import { describe } from 'node:test';
import { harness } from './harness.ts';

for (const { name, together, files } of harness().stages) {
  describe(name, { concurrency: together }, async () => {
    for (const file of files) {
      // A suite of its own: what is in the file does not inherit the concurrency of the stage.
      describe(path.basename(file), { concurrency: 1 }, () => import(file));
    }
  });
}

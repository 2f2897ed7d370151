/**
 * Runs all unit and integration tests in one process, each file as a suite of its own: its hooks are around its own tests. Without this, a hook at the top of a file
 * is around the tests of every file, since one process has one root.
 */
import { globSync } from 'node:fs';
import path from 'node:path';
import { describe } from 'node:test';

const here = import.meta.dirname;
const files = globSync(['unit/**/*.test.ts', 'integration/**/*.test.ts'], { cwd: here }).toSorted();

for (const file of files) describe(file, () => import(path.join(here, file)));

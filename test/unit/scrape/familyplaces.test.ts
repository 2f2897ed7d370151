import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cadvisorFamilies } from '../../../src/scrape/cadvisor.ts';
import { checkFamilies } from '../../../src/scrape/rownumbers.ts';

test('a family that is only added to the list is refused by name', () => {
  const families = [...cadvisorFamilies, 'container_memory_rss'];
  const apart = ['container_scrape_error', 'machine_swap_bytes'].map((name) => families.indexOf(name));
  assert.throws(() => checkFamilies(families, apart), /container_memory_rss has no place in a row/);
  checkFamilies(cadvisorFamilies, apart);
});

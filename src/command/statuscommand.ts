/** `kubegauge status`: prints the report of the server on this machine, by the same flags. */
import type { ApiServer } from '../client/apiserver.ts';
import { readLocalStatus } from '../client/localstatus.ts';
import type { Options } from '../options/flags.ts';
import type { StatusReport } from '../server/statuspage.ts';
import { statusText } from './statustable.ts';

/**
 * @param names to print; none for all nodes.
 * @throws Error with a remedy: no response, a status but 200, or a named node missing.
 */
export async function printStatus(options: Options, apiServer: ApiServer, names: readonly string[]): Promise<void> {
  const report = (await readLocalStatus(options, apiServer, names)) as StatusReport;
  process.stdout.write(statusText(report));
  const missing = names.filter((name) => !report.nodes.some((node) => node.name === name));
  if (missing.length > 0) throw new Error(`not scraped: ${missing.join(', ')}; ${unknownNode}`);
}

const unknownNode = 'there is no such Node, or --node-selector leaves it out';

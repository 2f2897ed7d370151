/** Families read from /metrics/cadvisor. */
import { isRequested, quantities } from '../../sample/quantities.ts';

const scrapeErrorFamily = 'container_scrape_error';
const machineSwapFamily = 'machine_swap_bytes';

/** The quantities' families by column, then those not about a cgroup. */
export const cadvisorFamilies: readonly string[] = [
  ...quantities.map(({ cadvisor }) => cadvisor),
  scrapeErrorFamily,
  machineSwapFamily,
];

/** The kubelet failed to read its containers. */
export const scrapeError = cadvisorFamilies.indexOf(scrapeErrorFamily);
/** From 1.31 on. */
export const machineSwap = cadvisorFamilies.indexOf(machineSwapFamily);

/**
 * Families that change while the containers stay; others are read again only after a change. Omitted: the scrape error
 * (no container is reported then) and the machine's swap (its use changes as well).
 */
export const movingFamilies: readonly number[] = [...quantities.keys()].filter(
  (column) => quantities[column]?.kind !== 'constant',
);

/** Returns the families to request of a kubelet that filters by `name[]` (1.37 and later). */
export function requestedFamilies(node: {
  readonly hasSwap: boolean;
  readonly hasSettled: boolean;
}): readonly string[] {
  const unwanted = new Set(quantities.filter((each) => !isRequested(each, node)).map(({ cadvisor }) => cadvisor));
  return cadvisorFamilies.filter((family) => !unwanted.has(family));
}

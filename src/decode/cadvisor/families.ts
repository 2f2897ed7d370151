/** The families of /metrics/cadvisor that are read. */
import { isRequested, quantities } from '../../sample/quantities.ts';

const scrapeErrorFamily = 'container_scrape_error';
const machineSwapFamily = 'machine_swap_bytes';

/** All families that are read: those of the quantities, each at its column, then those that are not about a cgroup. */
export const cadvisorFamilies: readonly string[] = [
  ...quantities.map(({ cadvisor }) => cadvisor),
  scrapeErrorFamily,
  machineSwapFamily,
];

/** Index of the family that reports that the kubelet failed to read its containers. */
export const scrapeError = cadvisorFamilies.indexOf(scrapeErrorFamily);
/** Index of the family that reports the swap capacity of the machine, from 1.31 on. */
export const machineSwap = cadvisorFamilies.indexOf(machineSwapFamily);

/**
 * Indexes of the families whose values change while the containers stay the same. The others are read again only after a change. Two of them may change alone:
 * the scrape error, but then no container is reported, and the machine's swap, but then its use changes as well.
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

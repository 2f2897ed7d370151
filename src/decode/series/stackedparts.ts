/**
 * Decides which interfaces and devices may count what others of the same cgroup count too, and not by their names alone.
 * The others' sum or the highest of these is the cgroup's number, whichever is higher, so nothing counts twice and a
 * counter stays one.
 */
import type { SeriesColumn } from '../../sample/seriescolumns.ts';

const stacked: Readonly<Record<NonNullable<SeriesColumn['addedOver']>, RegExp>> = {
  // Of Azure's accelerated networking, with the packets of the eth0 that it is a part of. Elsewhere such a card may be
  // the only one.
  interface: /^enP\d{1,5}s\d{1,3}$/,
  // LVM and RAID: the kernel counts I/O there and again on the disks below (netdata/netdata#1157), but writes through
  // dm-crypt there only (google/cadvisor#2316).
  device: /^\/dev\/(?:dm-|md)\d+$/,
};

/** Reports whether a part of a counter may be counted by others. File systems, whose gauges are added, are not stacked. */
export function isStacked({ kind, addedOver }: SeriesColumn, name: string): boolean {
  return kind === 'counter' && addedOver !== undefined && stacked[addedOver].test(name);
}

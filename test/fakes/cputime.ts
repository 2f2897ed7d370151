/** CPU time, for tests that something takes no more than linear time: the time of other processes is not in it. */

/** Returns the CPU time in milliseconds that this thread takes for the work. */
export function cpuMsOf(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

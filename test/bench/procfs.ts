/** Reads what a process has used so far, as Linux reports it. */
import { readdirSync, readFileSync } from 'node:fs';

/** User and system, of all threads that there are; /proc/PID/stat has the same in steps of 10 ms, which is too coarse for a window. */
export function cpuMsOf(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  }
  return nanoseconds / 1e6;
}

export function residentMiB(pid: number): number {
  return memoryMiB(pid, 'VmRSS');
}

/** The most that it ever was. */
export function peakResidentMiB(pid: number): number {
  return memoryMiB(pid, 'VmHWM');
}

function memoryMiB(pid: number, field: string): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) / 1024;
}

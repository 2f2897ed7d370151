/** Runs a script's work in what it starts for it, and ends all of that again, whatever happens. */
import { UnmetNeed } from './needs.ts';

/**
 * @param work returns the exit code.
 * @returns that code; 1 when something breaks, 2 when the machine is not as needed, both with a tally that says so.
 */
export async function inLab<L extends AsyncDisposable>(
  open: () => Promise<L>,
  work: (lab: L) => Promise<number>,
): Promise<number> {
  let opened: L | undefined;
  const interrupted = () => {
    // What has been started ends with us; a second Ctrl-C does not wait for it.
    void Promise.resolve(opened?.[Symbol.asyncDispose]()).finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    await using lab = await open();
    opened = lab;
    return await work(lab);
  } catch (error) {
    console.error(error instanceof UnmetNeed ? error.message : error);
    console.log('0 passed, 1 failed');
    return error instanceof UnmetNeed ? 2 : 1;
  } finally {
    process.removeListener('SIGINT', interrupted);
    process.removeListener('SIGTERM', interrupted);
  }
}

/** Preloaded by `npm run serve`: ends the server in good order when npm or its shell ends, since their signals do not reach it. */
import { isMainThread } from 'node:worker_threads';
import { watchParents } from './parents.ts';

// Worker threads preload this too, and end with the main thread.
if (isMainThread) watchParents(() => process.kill(process.pid, 'SIGTERM'));

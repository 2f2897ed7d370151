/** Preloaded into the metrics server: ends it in good order when the stand-in has ended, however that was. The program itself stays unchanged. */
const { channel } = process;

// Worker threads preload this too, and have no channel.
if (channel !== undefined) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // The channel alone keeps no process running.
  channel?.unref();
}

/** Everything that is tested of kubelets with the built-in HTTP client, once more with undici: whatever the one does, the other has to. */
import { undiciQuery } from '../fakes/httpclient.ts';

for (const name of [
  'kubelet-body',
  'kubelet-connection',
  'kubelet-errors',
  'kubelet-hostile',
  'kubelet-slices',
  'scrape',
  'scraper',
]) {
  await import(`./${name}.test.ts${undiciQuery}`);
}

/** Asks kube-apiserver with curl, where it matters what is accepted: kubectl has no option for that. */
import { printed } from './execute.ts';
import type { Target } from './target.ts';

/** As the administrator. Anything but 2xx is a failure. */
export async function getJson(target: Target, path: string, accept = 'application/json'): Promise<unknown> {
  const { url, ca, cert, key } = target.apiServer;
  const identity = ['--cacert', ca, '--cert', cert, '--key', key];
  const options = ['--silent', '--show-error', '--fail-with-body', '--max-time', '10', '--header', `Accept: ${accept}`];
  return JSON.parse(await printed(target, ['curl', ...options, ...identity, url + path]));
}

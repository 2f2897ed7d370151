/** Which HTTP client a test of kubelets is run with: the built-in one, or undici where kubelet-undici.test.ts runs it again. */
import type { HttpClient } from '../../src/kubelet/nodeconnections.ts';

/** @param testUrl import.meta.url of the test. */
export function httpClientOf(testUrl: string): HttpClient {
  return new URL(testUrl).search === undiciQuery ? 'undici' : 'built-in';
}

/** Behind the path of a test that is imported. */
export const undiciQuery = '?http-client=undici';

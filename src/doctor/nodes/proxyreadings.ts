/** Reads kubelets through kube-apiserver's node proxy, with the server's own decoder: our credentials go to no kubelet. */
import { systemClock } from '../../clock.ts';
import { field, text } from '../../client/json.ts';
import { mapLimited } from '../../client/limited.ts';
import { explainClockSkew } from '../../kubelet/clockskew.ts';
import type { KubeletClient } from '../../kubelet/client.ts';
import { createKubeletProxy, proxyCandidate } from '../../kubelet/proxy.ts';
import { createKubeletReader } from '../../scrape/endpoint/kubeletreader.ts';
import { createTarget, type ScrapeOutcome } from '../../scrape/source/target.ts';
import { type CheckContext, readable } from '../check.ts';
import type { KubeletConfig, ProxyReading } from './kubeletevidence.ts';

/** Milliseconds for one request. */
const requestTimeoutMs = 10_000;
/** Nodes at a time. */
const concurrency = 4;

export interface ProxyReadings {
  readonly readings: ReadonlyMap<string, ProxyReading>;
  /** Why kube-apiserver let no node be read; undefined if it did. */
  readonly denied: string | undefined;
}

/** Reads nodes in this order, until the signal aborts. */
export async function readThroughProxy(
  { server, signal, nowMs }: CheckContext,
  nodes: readonly string[],
): Promise<ProxyReadings> {
  await using client = createKubeletProxy({ apiServer: server, requestTimeoutMs });
  const readings = new Map<string, ProxyReading>();
  let denied: string | undefined;
  await mapLimited(nodes, concurrency, signal, async (node) => {
    if (denied !== undefined) return;
    const reading = await readOne(client, node, { url: server.url, signal, nowMs });
    if (signal.aborted) return;
    if (reading.kind === 'failed' && isOurs(reading)) denied = reading.what;
    else readings.set(node, reading);
  });
  return { readings, denied };
}

/** Reports whether kube-apiserver itself denied our user; the message names the right. */
function isOurs({ code, what }: Extract<ProxyReading, { readonly kind: 'failed' }>): boolean {
  return (code === 'Forbidden' || code === 'Unauthorized') && what.startsWith('kube-apiserver ');
}

interface ReadingOptions extends Pick<CheckContext, 'signal' | 'nowMs'> {
  readonly url: string;
}

async function readOne(
  client: KubeletClient,
  node: string,
  { url, signal, nowMs }: ReadingOptions,
): Promise<ProxyReading> {
  const reader = createKubeletReader(node, client, systemClock, () => false, { fastPath: false });
  // Every doubt is followed up: one comparison is all there is.
  const expectations = { isRunning: () => true, anyUnreported: () => true };
  const target = createTarget({ reader, mode: 'auto', expectations, clock: systemClock });
  const candidates = { kind: 'candidates', candidates: [proxyCandidate(url)] } as const;
  const askedMs = nowMs();
  const outcome = await target.scrape({ candidates, resourcePath: undefined }, signal);
  return toReading(node, outcome, { askedMs, answeredMs: nowMs() });
}

function toReading(
  node: string,
  outcome: ScrapeOutcome,
  times: { readonly askedMs: number; readonly answeredMs: number },
): ProxyReading {
  if (outcome.kind === 'failed') return { kind: 'failed', code: outcome.why.code, what: outcome.why.what };
  const { dateMs } = outcome.response;
  return {
    kind: 'read',
    fallback: outcome.fallback,
    skew: dateMs === undefined ? undefined : explainClockSkew(node, dateMs, times)?.what,
  };
}

/** Returns a kubelet's configuration by its configz; undefined if it cannot be read. */
export async function readKubeletConfig({ api }: CheckContext, node: string): Promise<KubeletConfig | undefined> {
  const path = `/api/v1/nodes/${encodeURIComponent(node)}/proxy/configz`;
  const answer = await readable(api.text(path), undefined);
  if (answer?.status !== 200) return undefined;
  try {
    const config = field(JSON.parse(answer.text), 'kubeletconfig');
    const webhook = field(field(field(config, 'authentication'), 'webhook'), 'enabled');
    return {
      runtimeEndpoint: text(field(config, 'containerRuntimeEndpoint')),
      hasWebhook: typeof webhook === 'boolean' ? webhook : undefined,
    };
  } catch {
    return undefined;
  }
}

/**
 * Measures one whole scrape of ours, from the request over TLS to the batch: kubelets that filter and older ones in turns, one node after the other, and beside
 * them what Go takes to bring and decode a full body as metrics-server would, and to decode it alone.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { systemClock as clock } from '../../src/clock.ts';
import { createKubeletClient, type KubeletClient } from '../../src/kubelet/client.ts';
import { createKubeletReader } from '../../src/scrape/endpoint/kubeletreader.ts';
import { createTarget, type SourceMode } from '../../src/scrape/source/target.ts';
import { makeBody } from './body.ts';
import { addressOf, type Kind, nodeName } from './fleet.ts';
import { forkFleet } from './forkedfleet.ts';
import { type GoDecoder, startGoDecoder } from './godecoder.ts';
import { type Contender, type Figures, figureOf, inTurns, ratioOf } from './measure.ts';
import { nodeModel, type PodCount, podCounts } from './nodemodel.ts';
import { temporaryFolder } from './temporaryfolder.ts';

const turns = { rounds: 9, roundMs: 150, warmUpMs: 3_000 };
const nodes = 3;

/** The same endpoint by the kubelets that have it; what is asked of them is production's affair. */
const contenders: readonly { readonly kind: Kind; readonly mode: SourceMode }[] = [
  { kind: 'filtered', mode: 'cadvisor' },
  { kind: 'full', mode: 'cadvisor' },
  { kind: 'resource', mode: 'resource' },
];

export async function benchScrape(figures: Figures, counts: readonly PodCount[] = podCounts): Promise<void> {
  for (const pods of counts) {
    await using fleet = await forkFleet({ pods, samples: 'cycling', resolutionMs: 10_000 });
    await using kubelet = createKubeletClient({
      tls: () => insecure,
      authorization: async () => 'Bearer bench',
      plainHttp: false,
      requestTimeoutMs: 60_000,
    });
    await using goDecode = await decoderOfFile(pods);
    await using goScrape = await startGoDecoder(
      'go-scrape',
      `https://${addressOf('full', 0)}:${fleet.port}/metrics/cadvisor`,
    );
    const results = await inTurns(
      [...contenders.map(({ kind, mode }) => contender(kind, mode, fleet.port, kubelet)), goDecode, goScrape],
      turns,
    );
    for (const [name, values] of results) {
      const ms = values.map((us) => us / 1000);
      figures.set(`scrape.${pods}.${name}`, figureOf(ms, 'ms'));
    }
    for (const { name } of [goDecode, goScrape]) {
      figures.set(`scrape.${pods}.full.to-${name}`, ratioOf(results.get('full') ?? [], results.get(name) ?? []));
    }
  }
}

/** One object, as production has it as long as nothing changed: another one would be another connection. */
const insecure = { ca: undefined, cert: undefined, key: undefined, insecure: true };

const nothingExpected = { isRunning: () => false, anyUnreported: () => false };

function contender(kind: Kind, mode: SourceMode, port: number, kubelet: KubeletClient): Contender {
  const targets = Array.from({ length: nodes }, (_, index) => ({
    target: createTarget({
      reader: createKubeletReader(`${kind}/${nodeName(index)}`, kubelet, clock),
      mode,
      expectations: nothingExpected,
      clock,
    }),
    address: {
      candidates: { kind: 'candidates', candidates: [{ host: addressOf(kind, index), port }] },
      resourcePath: undefined,
    } as const,
  }));
  const { signal } = new AbortController();
  return {
    name: kind,
    async run(times) {
      for (let time = 0; time < times; time += 1) {
        const one = targets[time % nodes];
        const outcome = await one?.target.scrape(one.address, signal);
        if (outcome?.kind !== 'scraped') throw new Error(`a scrape of the benchmark failed: ${outcome?.why.what}`);
      }
    },
  };
}

/** Starts Go's decoder of a full body's text, which metrics-server would request. */
async function decoderOfFile(pods: PodCount): Promise<GoDecoder> {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'body');
  const nowMs = Date.now();
  await writeFile(file, makeBody('full-text', nodeModel(nodeName(0), pods, nowMs), nowMs).bytes);
  return await startGoDecoder('go-decode', file);
}

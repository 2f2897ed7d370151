/** `kubegauge trust <node>`: replaces the pinned key of a node's kubelet by the one that it shows now. */
import { StatusError } from '../apimachinery/status.ts';
import type { ApiServer } from '../client/apiserver.ts';
import { field, items } from '../client/json.ts';
import { createRestClient } from '../client/rest.ts';
import { systemClock } from '../clock.ts';
import { kubeletCandidates } from '../cluster/address.ts';
import { type NodeInfo, parseNode } from '../cluster/nodes.ts';
import { approvalOf, findPendingServingRequests } from '../cluster/servingrequests.ts';
import type { Resolver } from '../dns/resolver.ts';
import { foreignText } from '../foreigntext.ts';
import { createKubeletClient } from '../kubelet/client.ts';
import { explainFailure, explainNoAddress } from '../kubelet/explain/explainfailure.ts';
import { inOneLine } from '../kubelet/explain/explanation.ts';
import { createKubeletTls } from '../kubelet/http/kubelettls.ts';
import { longestAgeMs, openAgeMs } from '../kubelet/pins/kubeletpins.ts';
import {
  defaultPinsNamespace,
  type PinRest,
  pinsConfigMapName,
  readPinConfigMap,
  replacePins,
} from '../kubelet/pins/pinconfigmap.ts';
import { bytesOf, isPinnableUid, type Pin, pinKey, pinsLimitBytes } from '../kubelet/pins/pinlist.ts';
import { isProof, type Proof } from '../kubelet/pins/proof.ts';
import { describeError } from '../logging.ts';
import type { Options } from '../options/flags.ts';
import { UsageError } from '../options/parse.ts';
import { kubeletRequestTimeoutMs } from '../options/validate.ts';
import { createAddressFallback } from '../scrape/endpoint/addressfallback.ts';
import { addressRules, kubeletTlsFlags } from './kubelets.ts';

export interface TrustOptions {
  readonly options: Options;
  readonly apiServer: ApiServer;
  readonly resolver: Resolver;
  /** As checkTrustWords returns them. */
  readonly wanted: WantedTrust;
  readonly print: (line: string) => void;
}

/** The words of the command line, checked. */
export interface WantedTrust {
  readonly name: string;
  readonly given: Proof | undefined;
}

/** Servers write pins too; each of them wins a conflict at most once a second. */
const conflictLimit = 10;

/**
 * Returns the node and, if it cannot be reached from here, its key.
 * @param words of the command line that are no flags.
 * @throws UsageError.
 */
export function checkTrustWords(words: readonly string[]): WantedTrust {
  const [name, given, ...others] = words;
  if (name === undefined || others.length > 0) throw new UsageError({ code: 'UnknownCommand', text: usage });
  if (given !== undefined && !isProof(given)) {
    throw new UsageError({ code: 'UnknownCommand', text: `${given} is no key; ${usage}` });
  }
  return { name, given };
}

/** @throws Error with a remedy if nothing was pinned. */
export async function trustKubelet({ options, apiServer, resolver, wanted, print }: TrustOptions): Promise<void> {
  const { name, given } = wanted;
  await using rest = createRestClient(apiServer, { resolve: resolver.resolveFirst });
  const node = await readNode(rest, name);
  const shown = await shownBy(node, { options, apiServer, resolver });
  const proof = chosen(node, shown, given);
  const before = await pin(rest, apiServer.namespace ?? defaultPinsNamespace, node, proof);
  print(`node:    ${name} (UID ${node.uid})`);
  print(`pinned:  ${before === undefined ? 'nothing' : inWords(before.proof)}${isOf(before, node) ? '' : oldNode}`);
  print(`shown:   ${shown.kind === 'shown' ? inWords(shown.proof) : shown.why}`);
  print(
    `now:     ${inWords(proof)}; servers use it within ${longestAgeMs / 1000} s, on open connections within ${openAgeMs / 1000} s and a scrape`,
  );
  if (proof === 'ca') return;
  print(`Compare the key with that of the node itself, where this command prints it:`);
  print(`  ${keyCommand}`);
  await printPendingRequests(rest, name, print);
}

const usage = 'usage: kubegauge trust <node> [sha256:<key>] [flags]';
const oldNode = ', of an earlier Node of this name';
const keyCommand =
  "openssl x509 -in /var/lib/kubelet/pki/kubelet.crt -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64 | sed 's/^/sha256:/'";

function isOf(pinned: Pin | undefined, { uid }: NodeInfo): boolean {
  return pinned === undefined || pinned.uid === uid;
}

function inWords(proof: Proof): string {
  return proof === 'ca' ? 'a certificate of a trusted CA' : proof;
}

/** A list, since the server's account may list nodes but not get one. */
async function readNode(rest: PinRest, name: string): Promise<NodeInfo & { readonly uid: string }> {
  const list = await rest.get('/api/v1/nodes', { query: { fieldSelector: `metadata.name=${name}` } });
  const node = items(field(list, 'items')).map(parseNode)[0];
  if (node === undefined) throw new Error(`there is no node ${foreignText(name)}; kubectl get nodes lists them`);
  const { uid } = node;
  if (!isPinnableUid(uid)) throw new Error(`the Node ${name} has no UID`);
  return { ...node, uid };
}

type Shown = { readonly kind: 'shown'; readonly proof: Proof } | { readonly kind: 'unknown'; readonly why: string };

/** Connects as the server does, but sends no credentials and no client certificate. */
async function shownBy(
  node: NodeInfo,
  { options, apiServer, resolver }: Pick<TrustOptions, 'options' | 'apiServer' | 'resolver'>,
): Promise<Shown> {
  const address = kubeletCandidates(node, addressRules(options));
  if (address.kind === 'none') return { kind: 'unknown', why: inOneLine(explainNoAddress(address)) };
  // After authorization(), which may bring a certificate authority's file up to date.
  const tls = createKubeletTls(
    apiServer,
    { ...kubeletTlsFlags(options), insecure: false, mustVerify: true },
    systemClock,
  );
  let proof: Proof | undefined;
  await using client = createKubeletClient({
    tls: () => ({ ...tls(), cert: undefined, key: undefined }),
    authorization: () => undefined,
    plainHttp: false,
    requestTimeoutMs: kubeletRequestTimeoutMs(options),
    resolve: resolver.resolve,
    checkPin: async (_, shown) => {
      proof ??= shown;
      return { kind: 'unrecorded', reason: 'it is only looked at' };
    },
  });
  const request = { node: node.name, path: '/healthz', accept: '*/*', gzip: false };
  const failure = await createAddressFallback(client)
    .fetch(address.candidates, request, new AbortController().signal)
    .then(
      () => 'it was not verified',
      (error: unknown) => inOneLine(explainFailure(error)),
    );
  return proof === undefined ? { kind: 'unknown', why: failure } : { kind: 'shown', proof };
}

/** @throws Error if it is not known what to pin, or if it is not what the user expects. */
function chosen({ name }: NodeInfo, shown: Shown, given: Proof | undefined): Proof {
  if (shown.kind === 'shown') {
    if (given === undefined || given === shown.proof) return shown.proof;
    throw new Error(`the kubelet of node ${name} shows ${shown.proof}, not ${given}; nothing is changed`);
  }
  if (given !== undefined) return given;
  throw new Error(
    `the key of node ${name} cannot be read from here: ${shown.why}; run this in the server's pod, or give the key: kubegauge trust ${name} sha256:<key>; on the node it is printed by: ${keyCommand}`,
  );
}

/** Returns the pin that was replaced. @throws Error with the missing right or object. */
async function pin(
  rest: PinRest,
  namespace: string,
  node: NodeInfo & { readonly uid: string },
  proof: Proof,
): Promise<Pin | undefined> {
  const key = pinKey(node.name);
  for (let tries = 1; ; tries += 1) {
    try {
      const current = await readPinConfigMap(rest, namespace);
      const pins = new Map(current.pins).set(key, { uid: node.uid, proof });
      if (bytesOf(pins) > pinsLimitBytes) throw new Error(`there is no room for more pins (${pinsLimitBytes} bytes)`);
      await replacePins(rest, namespace, current, pins);
      return current.pins.get(key);
    } catch (error) {
      if (error instanceof StatusError && error.code === 409 && tries < conflictLimit) continue;
      throw new Error(`nothing is changed: ${describeError(error)}${remedyOf(error, namespace)}`, { cause: error });
    }
  }
}

function remedyOf(error: unknown, namespace: string): string {
  const { code } = error as { readonly code?: unknown };
  const object = `the ConfigMap ${namespace}/${pinsConfigMapName}`;
  if (code === 404) {
    return `; ${object} comes with manifests/components/kubelet-pins; without it each server has pins in memory, and pins anew once it is restarted`;
  }
  return code === 403 ? `; this needs the right to get and update ${object}` : '';
}

/** A certificate of the cluster's CA is better than a pin. */
async function printPendingRequests(rest: PinRest, name: string, print: TrustOptions['print']): Promise<void> {
  const all = await findPendingServingRequests(rest).catch(() => []);
  const pending = all.find(({ node }) => node === name);
  if (pending === undefined) return;
  print(`The kubelet has asked for a certificate of the cluster's CA, which would need no pin:`);
  print(`  ${approvalOf(pending)}`);
}

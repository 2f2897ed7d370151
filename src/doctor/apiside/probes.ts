/** Finds probes of a server's container that send plain HTTP to the port on which it speaks TLS. */
import { field, items } from '../../client/json.ts';
import { jsonPatch } from '../remedy.ts';
import { kindOfImage, type PodBehindService, servingContainer } from './servingpods.ts';

const probes = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;

/** Returns undefined for a pod whose probes speak TLS. @param owner the Deployment; undefined if it may not be read. */
export function plainProbes(
  { object, containers, namespace, deployment }: PodBehindService,
  owner: unknown,
): { readonly message: string; readonly remedy: string | undefined } | undefined {
  const serving = servingContainer(containers);
  if (serving === undefined || kindOfImage(serving.image) === 'another server') return undefined;
  const ofSpec = (spec: unknown) => {
    const all = items(field(spec, 'containers'));
    const index = all.findIndex((each) => field(each, 'name') === serving.name);
    return { index, plain: probes.filter((probe) => isPlain(field(all[index], probe))) };
  };
  const { plain } = ofSpec(field(object, 'spec'));
  if (plain.length === 0) return undefined;
  const message = `its ${plain.join(' and ')} ${plain.length === 1 ? 'sends' : 'send'} plain HTTP to a port that speaks TLS`;
  const inTemplate = ofSpec(field(field(field(owner, 'spec'), 'template'), 'spec'));
  if (deployment === undefined || inTemplate.plain.length === 0) return { message, remedy: undefined };
  const path = `/spec/template/spec/containers/${inTemplate.index}`;
  const patch = inTemplate.plain.map((probe) => ({
    op: 'add',
    path: `${path}/${probe}/httpGet/scheme`,
    value: 'HTTPS',
  }));
  return { message, remedy: jsonPatch('deployment', namespace, deployment, patch) };
}

/** HTTP is the default. */
function isPlain(probe: unknown): boolean {
  const get = field(probe, 'httpGet');
  return get !== undefined && field(get, 'scheme') !== 'HTTPS';
}

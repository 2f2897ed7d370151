/** The client matrix: three kubectls and the client libraries of three languages, against the newest Kubernetes. */
import { before, describe } from 'node:test';
import { describeMatrix } from '../../clients/matrix.ts';
import { itemsNamed } from '../../clients/readings.ts';
import type { Target } from '../../clients/target.ts';
import { enterNetwork } from '../command.ts';
import { pkiFile } from '../settings.ts';
import { waitFor } from '../wait.ts';
import { harness } from './harness.ts';
import { loadNamespace } from './loads.ts';

const { cluster, program, loads, folder } = harness();
const { settings } = cluster;

const target: Target = {
  kubeconfig: cluster.kubeconfig,
  apiServer: {
    url: cluster.apiServerUrl,
    ca: cluster.caFile,
    cert: pkiFile(settings, 'admin.crt'),
    key: pkiFile(settings, 'admin.key'),
  },
  enter: enterNetwork(settings),
  versions: program.versions,
  node: cluster.nodeName,
  pod: { namespace: loadNamespace, name: 'pair', selector: 'app=pair', containers: ['first', 'second'] },
  folder,
};

describe('clients', () => {
  before(async () => {
    await loads.running();
    // By its path: what this kubectl knows of the group may be of the other program, which served other versions.
    const pods = `/apis/metrics.k8s.io/${program.versions[0]}/namespaces/${loadNamespace}/pods`;
    const get = (path: string) => cluster.kubectl(['get', '--raw', path]);
    await waitFor('the pair to be measured', () => get(`${pods}/pair`), 60_000, 1_000);
    if (program.name !== 'kubegauge') return;
    // The first scrape of a minute makes the point of it.
    const pointOfPair = async () =>
      itemsNamed(target.pod.name, JSON.parse(await get(`${pods}?sinceSeconds=600`))).length > 0;
    await waitFor('a point of the pair in the past', pointOfPair, 90_000, 1_000);
  });

  describeMatrix(target);
});

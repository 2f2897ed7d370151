/** Opens one faulty cluster after the other for the tests of a file. */
import { createFakeApiServer } from '../fakes/apiserver.ts';
import { createInstallation } from '../fakes/installation.ts';
import type { FaultyCluster } from './apisidefaults.ts';

export interface FaultyClusters {
  /** Opens a cluster in place of the last one. @param image of the server's pods; ours by default. */
  use(image?: string): Promise<FaultyCluster>;
  /** Closes the last one. */
  release(): Promise<void>;
}

export function createFaultyClusters(): FaultyClusters {
  let current: FaultyCluster | undefined;
  return { use, release };

  async function use(image?: string): Promise<FaultyCluster> {
    await release();
    const apiServer = await createFakeApiServer();
    const installation = await createInstallation(apiServer, image === undefined ? {} : { image });
    current = { apiServer, installation };
    return current;
  }

  async function release(): Promise<void> {
    await current?.installation[Symbol.asyncDispose]();
    await current?.apiServer.close();
    current = undefined;
  }
}

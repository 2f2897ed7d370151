/** The page of `kubegauge ui` for the simulated cluster, with the rights of its administrator. */
import { kubeconfigApiServer } from '../../src/client/kubeconfig.ts';
import { systemClock } from '../../src/clock.ts';
import { allChecks } from '../../src/doctor/checks.ts';
import { examine } from '../../src/doctor/examination.ts';
import { createLogger } from '../../src/logging.ts';
import { parseCommandLine } from '../../src/options/parse.ts';
import { startUi } from '../../src/ui/ui.ts';
import { createClusterView } from '../../src/view/clusterview.ts';

export interface Page extends AsyncDisposable {
  /** A link that was not used yet. */
  readonly url: string;
}

/** @param onNewLink called when the previous link was used. */
export async function startPage(kubeconfig: string, onNewLink: (url: string) => void): Promise<Page> {
  await using disposables = new AsyncDisposableStack();
  const server = await kubeconfigApiServer(kubeconfig);
  const view = disposables.use(createClusterView({ server }));
  const { options } = parseCommandLine([]);
  const ui = disposables.use(
    await startUi({
      view,
      examine: () => examine(allChecks, { server, options, place: 'outside' }),
      context: 'npm start',
      port: 0,
      clock: systemClock,
      log: createLogger('text', 0),
      onLinkUsed: () => {
        url = ui.newLink();
        onNewLink(url);
      },
    }),
  );
  let url = ui.newLink();
  const owned = disposables.move();
  return {
    get url() {
      return url;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Runs `kubegauge ui`: a server for the browsers of one user, and what it collects while it runs. */
import type { Clock } from '../clock.ts';
import type { Examination } from '../doctor/examination.ts';
import { describeError, type Logger } from '../logging.ts';
import { Answers } from './answers.ts';
import { createApi } from './api.ts';
import { type Asset, loadAssets } from './assets.ts';
import { UiCollector, type UiView } from './collector.ts';
import { Health } from './health.ts';
import { Sessions } from './sessions.ts';
import { createUiServer } from './uiserver.ts';

export interface UiOptions {
  readonly view: UiView;
  /** Runs the checks of doctor. */
  readonly examine: () => Promise<Examination>;
  /** Shown as the cluster's name. */
  readonly context: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default: those of the page. */
  readonly assets?: ReadonlyMap<string, Asset>;
  /** Called when a link was used: it opens nothing any more. `again`: the session that it opened has ended. */
  readonly onLinkUsed?: (use: 'opened' | 'again') => void;
}

export interface Ui extends AsyncDisposable {
  /** Returns the URL of a new link, which opens once. The previous one, if unused, opens nothing any more. */
  newLink(): string;
}

/** @throws Error if the port is in use. */
export async function startUi(options: UiOptions): Promise<Ui> {
  const { view, clock, log, context, onLinkUsed = () => undefined } = options;
  const sessions = new Sessions();
  const onFailure = (error: unknown): void =>
    log.error({ code: 'RequestFailed', reason: describeError(error) }, 'collecting history failed');
  const collector = new UiCollector({ view, clock, onFailure });
  const api = createApi({
    view,
    collector,
    health: new Health(options.examine, clock),
    context,
    clock,
  });
  const answers = new Answers(clock);
  const assets = options.assets ?? loadAssets();
  const server = createUiServer({ api, answers, assets, sessions, onLinkUsed, log });
  const port = await server.listen(options.port);
  const stop = new AbortController();
  const collecting = collector.run(stop.signal);
  return {
    newLink: () => `http://127.0.0.1:${port}${sessions.newLink()}`,
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('kubegauge ui stops'));
      await server.close();
      await collecting;
    },
  };
}

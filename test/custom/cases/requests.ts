/** When values are from, and how series are listed. */
import { C, type CustomCase, type Watch, X } from '../case.ts';
import { maxAgeSeconds } from '../servers.ts';

/** Both evaluate now; the recorder takes away less than a second, and a busy machine some. */
const nearSeconds = 10;

/** Reports whether the timestamps of a list are now. */
const isNow =
  (path: string) =>
  async ({ ask }: Watch): Promise<boolean> => {
    const { body } = await ask({ path });
    const { items }: { readonly items: readonly { readonly timestamp: string }[] } = JSON.parse(body.toString());
    return (
      items.length > 0 &&
      items.every(({ timestamp }) => Math.abs(Date.parse(timestamp) - Date.now()) < nearSeconds * 1000)
    );
  };

export const requests: readonly CustomCase[] = [
  {
    statements: [10],
    name: 'values of pods are of now',
    probe: isNow(`${C}/namespaces/shop/pods/*/http_requests_per_second`),
    expect: true,
  },
  {
    statements: [10, 71],
    name: 'values of an external metric are of now',
    probe: isNow(`${X}/namespaces/shop/queue_depth`),
    expect: true,
  },
  {
    statements: [94],
    name: 'each selector of series is listed from the maximum age on, without an end',
    probe: async ({ server: { recorder } }) => {
      const lists = recorder.requests.filter(({ path }) => path.endsWith('/series'));
      const asked = lists.map(({ method, path, parameters, atSeconds }) => {
        const age = atSeconds - Number(parameters.get('start'));
        const start = Math.abs(age - maxAgeSeconds) < nearSeconds ? 'the maximum age' : `${age} s`;
        return `${method} ${path} ${[...parameters.keys()].toSorted().join()} ${parameters.get('match[]')} since ${start}`;
      });
      return [...new Set(asked)].toSorted();
    },
  },
];

/** Counts requests of a client that have no answer yet: a fake clock that runs on meanwhile makes kube-apiserver as slow as the machine. */
import type { RestClient } from '../../src/client/rest.ts';

export interface CountedClient {
  readonly rest: RestClient;
  /** Returns how many requests have no answer yet. A watch has one once it is open. */
  readonly pending: () => number;
}

/** Wraps a client. */
export function countPending(client: RestClient): CountedClient {
  let pending = 0;
  const rest = new Proxy(client, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (...args: readonly unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, target, args);
        if (!(result instanceof Promise)) return result;
        pending += 1;
        const isOver = () => void (pending -= 1);
        result.then(isOver, isOver);
        return result;
      };
    },
  });
  return { rest, pending: () => pending };
}

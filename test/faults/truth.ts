/** The constant usage of every machine and container of the lab: servers must report this. */

export interface Usage {
  readonly name: string;
  readonly cores: number;
  readonly memoryBytes: number;
}

export interface PodTruth {
  /** Namespace and name with a slash between. */
  readonly key: string;
  readonly node: string;
  readonly containers: readonly Usage[];
}

export interface Truth {
  readonly nodes: readonly Usage[];
  readonly pods: readonly PodTruth[];
}

export const namespace = 'faults';

/** A node for each name, with a pod of two containers and one of one; no two have the same numbers. */
export function makeTruth(names: readonly string[]): Truth {
  const mebibyte = 1024 ** 2;
  return {
    nodes: names.map((name, index) => ({ name, cores: 2 + index / 8, memoryBytes: (900 + index) * mebibyte })),
    pods: names.flatMap((node, index) => [
      {
        key: `${namespace}/web-${node}`,
        node,
        containers: [
          { name: 'app', cores: 0.5 + index / 64, memoryBytes: (200 + index) * mebibyte },
          { name: 'proxy', cores: 0.1 + index / 128, memoryBytes: (40 + index) * mebibyte },
        ],
      },
      {
        key: `${namespace}/db-${node}`,
        node,
        containers: [{ name: 'db', cores: 1 + index / 32, memoryBytes: (300 + index) * mebibyte }],
      },
    ]),
  };
}

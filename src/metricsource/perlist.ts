/** Keeps what is made of sources' lists until one of them is another array. */

interface Listed<Item> {
  list(): readonly Item[];
}

/** Returns a function that returns what `make` makes of the source's current list. */
export function perList<Item, Made>(source: Listed<Item>, make: (list: readonly Item[]) => Made): () => Made {
  return perLists([source], ([list = []]) => make(list));
}

/** As `perList`, of several sources: `make` gets their lists in the order of the sources. */
export function perLists<Item, Made>(
  sources: readonly Listed<Item>[],
  make: (lists: readonly (readonly Item[])[]) => Made,
): () => Made {
  let kept: { readonly lists: readonly (readonly Item[])[]; readonly made: Made } | undefined;
  return () => {
    const lists = sources.map((source) => source.list());
    if (kept === undefined || lists.some((list, index) => list !== kept?.lists[index]))
      kept = { lists, made: make(lists) };
    return kept.made;
  };
}

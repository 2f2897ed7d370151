/** Marks memory that its owner uses again. */

declare const lent: unique symbol;

/** Valid until its owner's next call; copy what you keep. Owned values are assignable: the type is for the reader. */
export type Borrowed<T extends object> = T & { readonly [lent]?: never };

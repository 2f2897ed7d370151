/** Marks memory that its owner uses again. */

declare const lent: unique symbol;

/**
 * A buffer or object that is valid until its owner's next call only. A function that gets one copies what it needs later. An owned value is assignable to it,
 * so lending needs no cast; the type exists for the reader.
 */
export type Borrowed<T extends object> = T & { readonly [lent]?: never };

/** A response beyond a limit ends the connection. */

/** On the wire and inflated. 110 pods of two containers take 12 MB of text; leaked cgroups were seen to take 128 MB. */
export const bodyLimitBytes = 64 * 1024 * 1024;

/** Bytes kept of a response other than 200: kube-apiserver's Status, or an error's first words. */
export const errorBodyLimitBytes = 64 * 1024;

/** Bytes of a long response between two checks of the clock. */
export const pieceBytes = 16 * 1024;

/** Head and trailers. Kubelets send a few hundred bytes. */
export const headLimitBytes = 64 * 1024;

/** Opens the port. */

interface Listener {
  listen(where: { readonly host: string; readonly port: number }): Promise<unknown>;
}

/** @throws Error that names the flag to change. */
export async function listenOn(listener: Listener, bindAddress: string, port: number): Promise<void> {
  // As in Go, an unspecified address means both families.
  const host = bindAddress === '0.0.0.0' ? '::' : bindAddress;
  try {
    await listener.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EAFNOSUPPORT' || host === bindAddress) throw error;
      return listener.listen({ host: bindAddress, port });
    });
  } catch (cause) {
    const remedy = remedies.get((cause as NodeJS.ErrnoException).code ?? '');
    throw new Error(`cannot listen on ${bindAddress}:${port}${remedy === undefined ? '' : `: ${remedy}`}`, { cause });
  }
}

const remedies: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'the port is in use; choose another with --secure-port'],
  ['EACCES', 'ports below 1024 need a privilege; choose another with --secure-port'],
  ['EADDRNOTAVAIL', 'this machine has no such address; see --bind-address'],
]);

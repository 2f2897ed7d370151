/** Returns a JWT with these claims, and with a signature that nothing verifies. */
export function fakeJwt(claims: unknown): string {
  return ['{}', JSON.stringify(claims), 'signature'].map((part) => Buffer.from(part).toString('base64url')).join('.');
}

/** An Ed25519 key (RFC 8032); raw bytes in base64url. */
export interface SigningKey {
  readonly keyId: string;
  readonly privateKey: string;
}

export interface VerifyingKey {
  readonly keyId: string;
  readonly publicKey: string;
}

/** The keys that commands are signed with. They rotate: hosts learn `published()`, which holds the next and the last one too. */
export interface CommandKeys {
  current(): Promise<SigningKey>;
  published(): Promise<readonly VerifyingKey[]>;
}

/** Whose the nonce of a payment is, where it is not ours to choose. Such a nonce is for one payment in a ledger. */
export interface NonceSource {
  /** The challenge's: a second payment is refused. */
  readonly challengeNonce?: boolean
  /** Of a transfer that was signed beforehand: for a second payment another one has to be taken (`decide_again`). */
  readonly presigned?: boolean
}

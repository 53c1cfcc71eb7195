/**
 * Schemes: the ways of x402 in which an offer is signed. A scheme builds what is signed from a vetted offer, has it
 * signed by one typed operation of the wallet, writes the payload, and proves what stands in the finished header against
 * a second copy of what was decided. What surrounds the payload is the same for all of them.
 */
import type { RawHeaders } from '../../../http.ts'
import { ecdsa, isCanonical } from '../../../secp256k1.ts'
import type { Hex, TransferSigner } from '../../../wallet/wallet.ts'
import type { AuthorizeRequest, Offer, SignedMove } from '../../rail.ts'
import { differs, type PayloadForm, readFinished } from '../finished.ts'

/** What a scheme is made of: `S` is what is signed, `P` is the payload that carries it. */
export interface SchemeParts<S, P extends { readonly signature: Hex }> extends PayloadForm<P> {
  /** A copy of its own each time: a wallet may do with one what it likes. */
  build(request: AuthorizeRequest, payer: Hex): S
  sign(wallet: TransferSigner, walletName: string | null, signed: S): Promise<Hex>
  write(signed: S, signature: Hex): P
  /** Name of the first part of the payload that is not what was decided. */
  difference(said: P, decided: S): string | undefined
  digest(decided: S): Uint8Array
  move(decided: S): SignedMove
}

/** A scheme with one offer, window, nonce and payer in hand. */
export interface Prepared {
  readonly move: SignedMove
  sign(wallet: TransferSigner): Promise<Hex>
  /** JSON text of the payload. */
  payload(signature: Hex): string
  /** @throws PurserError `internal_error` that names the first part of the headers that is not what was decided. */
  prove(headers: RawHeaders): Promise<void>
}

export type Scheme = (request: AuthorizeRequest, payer: Hex) => Prepared

export function defineScheme<S, P extends { readonly signature: Hex }>(parts: SchemeParts<S, P>): Scheme {
  return (request, payer) => {
    const decided = parts.build(request, payer)
    return {
      move: parts.move(decided),
      sign: (wallet) => parts.sign(wallet, request.walletName, parts.build(request, payer)),
      payload: (signature) => JSON.stringify(parts.write(decided, signature)),
      prove: (headers) => proveSigned(parts, headers, { offer: request.offer, decided, payer }),
    }
  }
}

/** What a finished header has to say. */
export interface Decided<S> {
  readonly offer: Offer
  readonly decided: S
  /** Checksummed. */
  readonly payer: Hex
}

/** @throws PurserError `internal_error` that names the first part of the headers that is not what was decided. */
export async function proveSigned<S, P extends { readonly signature: Hex }>(
  parts: SchemeParts<S, P>,
  headers: RawHeaders,
  { offer, decided, payer }: Decided<S>,
): Promise<void> {
  const said = readFinished(headers, offer, parts)
  const part = parts.difference(said, decided)
  if (part !== undefined) throw differs(part)
  if (!isCanonical(said.signature)) throw differs('form of the signature')
  if (!(await isSigned(said.signature, () => parts.digest(decided), payer))) throw differs('signer')
}

/** Whether this checksummed address signed what the digest is of; a digest that cannot be made is of nothing. */
export async function isSigned(signature: Hex, digest: () => Uint8Array, payer: Hex): Promise<boolean> {
  try {
    return await ecdsa.isSignedBy(digest(), signature, payer)
  } catch {
    return false
  }
}

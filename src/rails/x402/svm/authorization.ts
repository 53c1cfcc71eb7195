/**
 * Authorizations on Solana: a vetted offer becomes a transfer, its message is inspected, the owner signs it, and the
 * header that carries it is proven. The fee payer's signature is missing: nobody else can send it.
 */
import { verify } from 'node:crypto'
import { decodePaymentSignatureHeader } from '@x402/core/http'
import { z } from 'zod'
import { type PurserError, refused } from '../../../errors.ts'
import type { RawHeaders } from '../../../http.ts'
import { publicKeyOf, TOKEN_2022_PROGRAM, TOKEN_PROGRAM, type TokenProgram } from '../../../solana-address.ts'
import { compileTransfer, memoOf, type SolanaTransfer, wireTransaction } from '../../../solana-message.ts'
import { writeProof } from '../../../solana-proof.ts'
import type { SolanaWallet } from '../../../wallet/wallet.ts'
import type { Authorization, AuthorizeRequest } from '../../rail.ts'
import { differenceIn } from './inspect.ts'

/** What stands around the payload is the same on every chain. */
export type Enclose = (payload: string) => RawHeaders

const finished = z.object({ x402Version: z.literal([1, 2]), payload: z.strictObject({ transaction: z.string() }) })

/**
 * Signs exactly the request's offer for its nonce, bound to its anchor.
 * @throws PurserError `internal_error` where the offer, the wallet or what was signed is not what was decided, and
 * `challenge_invalid` where the wallet itself would be paid or pay the fee.
 */
export async function authorizeOnSolana(
  request: AuthorizeRequest,
  wallet: SolanaWallet | undefined,
  enclose: Enclose,
  write: typeof compileTransfer = compileTransfer,
): Promise<Authorization> {
  const { offer, nonce, validAfter_s, validBefore_s, walletName, anchor } = request
  if (!wallet || !anchor)
    throw refused('internal_error', `Nothing is configured here that could pay on ${offer.network}. Nothing was signed.`)
  const payer = await wallet.address(walletName)
  checkParties(request, payer)
  const transfer = transferOf(request, payer)
  const message = write(transfer)
  const difference = await differenceIn(message, transfer)
  if (difference !== undefined) throw differs(difference)
  const signature = await wallet.signTransfer(walletName, transferOf(request, payer))
  const headers = enclose(JSON.stringify({ transaction: base64(wireTransaction(message, signature)) }))
  proveSigned(headers, { message, signature, payer })
  const kept = writeProof(signature, { ...anchor, memo: memoOf(transfer) })
  return { headers, payer, payTo: offer.payTo, nonce, validAfter_s, validBefore_s, signature: kept, transfer }
}

function checkParties({ offer }: AuthorizeRequest, payer: string): void {
  if (payer === offer.payTo) throw refused('challenge_invalid', `The challenge asks to pay ${payer}, which is the paying wallet itself.`)
  if (payer === offer.svm?.feePayer)
    throw refused('challenge_invalid', `The challenge makes ${payer}, the paying wallet itself, pay the fee. Nothing was signed.`)
}

function transferOf({ offer, nonce, anchor }: AuthorizeRequest, payer: string): SolanaTransfer {
  const { asset, network, payTo, amount, svm } = offer
  if (!svm || !anchor || !isTokenProgram(asset.tokenProgram))
    throw refused('internal_error', 'The offer is not one of Solana. Nothing was signed.')
  return {
    ...{ network, mint: asset.address, tokenProgram: asset.tokenProgram, decimals: asset.decimals },
    ...{ from: payer, to: payTo, value: amount, nonce, ...svm, blockhash: anchor.blockhash },
  }
}

function isTokenProgram(program: string | undefined): program is TokenProgram {
  return program === TOKEN_PROGRAM || program === TOKEN_2022_PROGRAM
}

interface Signed {
  readonly message: Uint8Array
  readonly signature: Uint8Array
  readonly payer: string
}

/** The finished header is read by the protocol's own codec: it carries these bytes, and this owner signed them. */
function proveSigned([, value, ...rest]: RawHeaders, { message, signature, payer }: Signed): void {
  const parsed = finished.safeParse(value === undefined || rest.length > 0 ? undefined : decodePaymentSignatureHeader(value))
  if (!parsed.success) throw differs('header')
  if (parsed.data.payload.transaction !== base64(wireTransaction(message, signature))) throw differs('transaction')
  if (!verify(null, message, publicKeyOf(payer), signature)) throw differs('signer')
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function differs(part: string): PurserError {
  return refused('internal_error', `The finished payment differs from what was decided (${part}). Nothing was sent.`)
}

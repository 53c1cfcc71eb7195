/**
 * Schemes by Permit2: `exact`, which takes the very amount, and `upto`, which takes what the server says up to it. The
 * spender is one of x402's two proxies, which pay nobody but the witness's recipient. Only the facilitator that the offer
 * names can settle an `upto`.
 *
 * A permit is good up to its deadline and in that second; our windows end before their last second. So the deadline is
 * one second earlier, and whatever holds for the end of a window holds for both.
 */
import { z } from 'zod'
import { refused } from '../../../errors.ts'
import { digestPermit, type PermitTransfer } from '../../../permit-digest.ts'
import type { Hex } from '../../../wallet/wallet.ts'
import type { AuthorizeRequest, Offer } from '../../rail.ts'
import { evmChainOf, hex, isHex } from './eip3009.ts'
import { defineScheme, type SchemeParts } from './scheme.ts'

/** The proxies of @x402/evm, the same on every chain. A test compares them with the package's. */
export const PERMIT2_SPENDERS = {
  exact: '0x402085c248EeA27D92E8b30b2C58ed07f9E20001',
  upto: '0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002',
} as const

const schema = z.strictObject({
  signature: hex,
  permit2Authorization: z.strictObject({
    from: hex,
    permitted: z.strictObject({ token: hex, amount: z.string() }),
    spender: hex,
    nonce: z.string(),
    deadline: z.string(),
    witness: z.strictObject({ to: hex, facilitator: hex.optional(), validAfter: z.string() }),
  }),
})
type Payload = z.infer<typeof schema>
type Said = Payload['permit2Authorization']

/** A payload with the end of its header, in the one spelling that is taken without the codec. */
const TAIL =
  /^\{"signature":"(0x[0-9a-f]{130})","permit2Authorization":\{"from":"(0x[0-9a-fA-F]{40})","permitted":\{"token":"(0x[0-9a-fA-F]{40})","amount":"([0-9]{1,78})"\},"spender":"(0x[0-9a-fA-F]{40})","nonce":"([0-9]{1,78})","deadline":"([0-9]{1,16})","witness":\{"to":"(0x[0-9a-fA-F]{40})"(?:,"facilitator":"(0x[0-9a-fA-F]{40})")?,"validAfter":"([0-9]{1,16})"\}\}\}\}$/

export const PERMIT2_TRANSFER: SchemeParts<PermitTransfer, Payload> = {
  build: permitOf,
  sign: (wallet, walletName, permit) => wallet.signPermit(walletName, permit),
  write: (permit, signature) => ({ signature, permit2Authorization: saying(permit) }),
  schema,
  readTail,
  difference: ({ permit2Authorization }, permit) => differenceOf(permit2Authorization, saying(permit)),
  digest: digestPermit,
  move: ({ witness, amount, nonce }) => ({ to: witness.to, value: amount, nonce }),
}

export const byPermit2 = defineScheme(PERMIT2_TRANSFER)

function permitOf({ offer, nonce, validAfter_s, validBefore_s }: AuthorizeRequest, payer: Hex): PermitTransfer {
  const { asset, network, payTo, amount, facilitator } = offer
  const upto = isUpto(offer)
  if (upto !== (facilitator !== undefined)) {
    throw refused('internal_error', 'A facilitator belongs to an offer of scheme upto, and to no other. Nothing was signed.')
  }
  return {
    chainId: evmChainOf(network),
    token: asset.address,
    from: payer,
    amount,
    spender: PERMIT2_SPENDERS[upto ? 'upto' : 'exact'],
    nonce,
    deadline: BigInt(validBefore_s) - 1n,
    witness: { to: payTo, ...(facilitator !== undefined && { facilitator }), validAfter: BigInt(validAfter_s) },
  }
}

/** @throws PurserError `internal_error` for a scheme that is not paid by Permit2. */
function isUpto({ scheme }: Offer): boolean {
  if (scheme !== 'exact' && scheme !== 'upto') throw refused('internal_error', 'The scheme is not one of Permit2. Nothing was signed.')
  return scheme === 'upto'
}

/** In the order of `TAIL`. */
function saying({ from, token, amount, spender, nonce, deadline, witness }: PermitTransfer): Said {
  const { to, facilitator, validAfter } = witness
  return {
    from,
    permitted: { token, amount: `${amount}` },
    spender,
    nonce: BigInt(nonce).toString(),
    deadline: `${deadline}`,
    witness: { to, ...(facilitator !== undefined && { facilitator }), validAfter: `${validAfter}` },
  }
}

function differenceOf(said: Said, decided: Said): string | undefined {
  const parts = (of: Said) => ({
    ...{ from: of.from, token: of.permitted.token, amount: of.permitted.amount, spender: of.spender, nonce: of.nonce },
    ...{ deadline: of.deadline, to: of.witness.to, facilitator: of.witness.facilitator, validAfter: of.witness.validAfter },
  })
  const [one, other] = [parts(said), parts(decided)]
  const names = ['from', 'token', 'amount', 'spender', 'nonce', 'deadline', 'to', 'facilitator', 'validAfter'] as const
  return names.find((name) => one[name] !== other[name])
}

function readTail(text: string): Payload | undefined {
  const [, signature, from, token, amount, spender, nonce, deadline, to, facilitator, validAfter] = TAIL.exec(text) ?? []
  if (!isHex(signature) || !isHex(from) || !isHex(token) || !isHex(spender) || !isHex(to)) return undefined
  const witness = { to, ...(isHex(facilitator) && { facilitator }), validAfter: validAfter ?? '' }
  const permitted = { token, amount: amount ?? '' }
  return { signature, permit2Authorization: { from, permitted, spender, nonce: nonce ?? '', deadline: deadline ?? '', witness } }
}

/**
 * The terms of an `exact` offer on Solana, vetted. Mint, decimals and token program are our registry's; of `extra` only the
 * fee payer and the seller's memo are taken. Its `recentBlockhash` is not: a blockhash is asked of our own server alone.
 */
import { z } from 'zod'
import { MAX_ASKED_WINDOW_S } from '../../../limits.ts'
import type { Asset } from '../../../money.ts'
import { addressBytes, isOnCurve, isSolanaAddress } from '../../../solana-address.ts'
import { MAX_MEMO_BYTES } from '../../../solana-message.ts'
import type { Offer, RejectedOffer } from '../../rail.ts'
import type { Registry } from '../assets.ts'

export type SvmTerms = Pick<Offer, 'asset' | 'amount' | 'payTo' | 'askedWindow_s' | 'svm'>
/** The reason goes on from "Offer 1 ". */
export type Unfit = Pick<RejectedOffer, 'code' | 'reason'>

const AMOUNT = /^(0|[1-9][0-9]{0,19})$/
const UINT64_END = 2n ** 64n
/** The zero key is a point of the curve, and the system program's. */
const NOBODY = '1'.repeat(32)

const address = z.string().refine(isSolanaAddress)
const schema = z.object({
  asset: address,
  payTo: address,
  maxTimeoutSeconds: z.int().min(1).max(MAX_ASKED_WINDOW_S),
  /** Version 2; version 1 says `maxAmountRequired`. */
  amount: z.unknown().optional(),
  maxAmountRequired: z.unknown().optional(),
  extra: z.object({ feePayer: address, memo: z.string().nullish(), tokenProgram: z.string().nullish() }),
})

export interface SvmPlace {
  readonly network: string
  readonly version: 1 | 2
}

/** Reads what an entry asks for on a network of Solana that is wanted, or says in our own words why it cannot be paid. */
export function readSvmTerms(value: unknown, { network, version }: SvmPlace, registry: Registry): SvmTerms | Unfit {
  const parsed = schema.safeParse(value)
  if (!parsed.success) return invalid(`has an unusable ${placesOf(parsed.error)}`)
  const { asset: mint, payTo, maxTimeoutSeconds: askedWindow_s, extra, ...asked } = parsed.data
  const asset = registry.asset(network, mint)
  if (asset?.tokenProgram === undefined)
    return { code: 'asset_unknown', reason: `asks for the token ${mint} on ${network}, which is not configured` }
  const amount = amountOf(version === 1 ? asked.maxAmountRequired : asked.amount)
  if (amount === undefined) return invalid('has no amount in whole atomic units within 64 bits')
  const fault = faultOf({ payTo, ...extra, asset }, { network, registry })
  if (fault !== undefined) return invalid(fault)
  const { feePayer, memo } = extra
  return { asset, amount, payTo, askedWindow_s, svm: { feePayer, ...(memo ? { memo } : {}) } }
}

function amountOf(text: unknown): bigint | undefined {
  const amount = typeof text === 'string' && AMOUNT.test(text) ? BigInt(text) : 0n
  return amount > 0n && amount < UINT64_END ? amount : undefined
}

interface Parties {
  readonly payTo: string
  readonly feePayer: string
  readonly memo?: string | null | undefined
  readonly tokenProgram?: string | null | undefined
  readonly asset: Asset
}

/** Money for an address that no key can be behind, such as a token account, is lost. */
function faultOf(
  { payTo, feePayer, memo, tokenProgram, asset }: Parties,
  { network, registry }: { readonly network: string; readonly registry: Registry },
): string | undefined {
  if (registry.asset(network, payTo)) return 'pays to the mint of a token'
  if (payTo === NOBODY) return 'pays to the zero address'
  if (!isOnCurve(addressBytes(payTo))) return 'pays to an address that no key can be behind'
  if (feePayer === NOBODY || registry.asset(network, feePayer) || !isOnCurve(addressBytes(feePayer)))
    return 'names a fee payer that cannot sign'
  if ((tokenProgram ?? asset.tokenProgram) !== asset.tokenProgram) return `gives ${asset.symbol} another token program`
  if (memo && (!memo.isWellFormed() || Buffer.byteLength(memo) > MAX_MEMO_BYTES)) return `wants a memo of more than ${MAX_MEMO_BYTES} bytes`
  return undefined
}

function invalid(reason: string): Unfit {
  return { code: 'challenge_invalid', reason }
}

/** Our own names of the members that failed; nothing that the server chose. */
function placesOf(error: z.ZodError): string {
  return [...new Set(error.issues.map(({ path }) => path.map(String).join('.') || 'shape'))].join(', ')
}

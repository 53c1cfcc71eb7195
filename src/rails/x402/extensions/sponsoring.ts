/**
 * `eip2612GasSponsoring`: the facilitator brings an allowance for Permit2 to the chain and pays its gas. It is signed for
 * exactly what the payment may take, and only where the operator allows it. Its sibling, `erc20ApprovalGasSponsoring`, asks
 * for an allowance without a bound and is never used.
 */
import { getAddress } from 'viem'
import { z } from 'zod'
import { refused } from '../../../errors.ts'
import { PERMIT2 } from '../../../permit-digest.ts'
import { ecdsa, isCanonical } from '../../../secp256k1.ts'
import { digestAllowance, type SponsoredAllowance } from '../../../sponsored-allowance.ts'
import type { Hex, TransferSigner } from '../../../wallet/wallet.ts'
import type { AuthorizeRequest } from '../../rail.ts'
import { eip712Of } from '../assets.ts'
import { evmChainOf } from '../schemes/eip3009.ts'

export const SPONSORING = 'eip2612GasSponsoring'

const declared = z.looseObject({ info: z.looseObject({}) })

/** Whether this is the extension in a form that takes an allowance. */
export function takesAllowance(extension: unknown): boolean {
  return declared.safeParse(extension).success
}

/** The members of `info` that the facilitator needs, as JSON, by the request's offer, window and the token's nonce. */
export async function sponsoredBy(request: AuthorizeRequest, payer: Hex, wallet: TransferSigner): Promise<string | undefined> {
  const { offer, allowanceNonce, walletName } = request
  if (allowanceNonce === undefined) return undefined
  if (offer.method !== 'permit2' || !wallet.signAllowance)
    throw refused('internal_error', 'An allowance was decided on for what takes none. Nothing was signed.')
  const allowance = allowanceOf(request, { payer, nonce: allowanceNonce })
  const signature = await wallet.signAllowance(walletName, allowance)
  await check(allowanceOf(request, { payer, nonce: allowanceNonce }), signature)
  const { token, owner, value, nonce, deadline } = allowance
  const sums = { amount: `${value}`, nonce: `${nonce}`, deadline: `${deadline}` }
  return JSON.stringify({ from: owner, asset: token, spender: PERMIT2, ...sums, signature, version: '1' })
}

/** Exactly the payment's amount, and as long as its permit. */
function allowanceOf(
  { offer, validBefore_s }: AuthorizeRequest,
  { payer, nonce }: { readonly payer: Hex; readonly nonce: bigint },
): SponsoredAllowance {
  const { asset, network, amount } = offer
  const token = getAddress(asset.address)
  const place = { chainId: evmChainOf(network), token, eip712: eip712Of(asset) }
  return { ...place, owner: payer, value: amount, nonce, deadline: BigInt(validBefore_s) - 1n }
}

async function check(allowance: SponsoredAllowance, signature: Hex): Promise<void> {
  const signed = isCanonical(signature) && (await ecdsa.isSignedBy(digestAllowance(allowance), signature, allowance.owner))
  if (!signed) throw refused('internal_error', 'The wallet did not sign the allowance that was decided. Nothing was sent.')
}

/** The extension's JSON with it; undefined where it takes none. */
export function withAllowance(extension: unknown, allowance: string | undefined): string | undefined {
  const parsed = declared.safeParse(extension)
  if (!parsed.success || allowance === undefined) return undefined
  return JSON.stringify({ ...parsed.data, info: { ...parsed.data.info, ...JSON.parse(allowance) } })
}

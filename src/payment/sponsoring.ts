/**
 * Sponsored allowances: where the operator allows it and the server offers it, a payment by Permit2 brings its own
 * allowance, for exactly what it may take, and the facilitator pays its gas. One at a time for a wallet and token, because
 * the token counts such permits, and each replaces what was allowed before.
 */
import type { Chain } from '../chain/chain.ts'
import { PurserError } from '../errors.ts'
import type { Terms } from '../ledger/ledger.ts'
import type { Case } from './case.ts'

/** Of the chains that can be asked. */
export interface SponsoringDeps {
  /** CAIP-2. */
  readonly networks: readonly string[]
  allowance: NonNullable<Chain['allowance']>
  allowanceNonce: NonNullable<Chain['allowanceNonce']>
}

/** Whether a payment on these terms may bring its own allowance. */
export function isSponsored({ deps, challenge }: Case, { method, network }: Pick<Terms, 'method' | 'network'>): boolean {
  const offered = method === 'permit2' && challenge.said?.sponsoring === true
  return offered && deps.wallet.signAllowance !== undefined && deps.sponsoring?.networks.includes(network) === true
}

/**
 * The token's nonce for the allowance that this payment needs; undefined where it needs none, or may bring none.
 * @throws PurserError where the chain does not tell: nothing is signed then.
 */
export async function allowanceNonceFor(matter: Case): Promise<bigint | undefined> {
  const { terms, deps } = matter
  const { sponsoring } = deps
  if (!terms || !sponsoring || !isSponsored(matter, terms)) return undefined
  const query = { network: terms.network, token: terms.asset.address, wallet: terms.payer }
  try {
    const [allowed, nonce] = await Promise.all([sponsoring.allowance(query), sponsoring.allowanceNonce(query)])
    return allowed < terms.amountAtomic ? nonce : undefined
  } catch (cause) {
    const detail = `What ${terms.asset.symbol} on ${terms.network} lets Permit2 take cannot be read, so that no allowance could be signed. Nothing was paid.`
    throw new PurserError({ code: 'internal_error', detail }, cause)
  }
}

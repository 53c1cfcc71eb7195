/**
 * Money: whole numbers only.
 *
 * An amount is a `bigint` in millionths of the session's currency (6 decimals); an atomic amount is a `bigint`
 * in the smallest unit of a token. Decimals exist only where text is parsed or formatted. Converting a token's
 * amount into the currency rounds up, against the payer, so that a cap never counts less than what leaves.
 */

export const CURRENCY_DECIMALS = 6
const ONE = 10n ** BigInt(CURRENCY_DECIMALS)

/** A token that we know by network and address, with our own decimals and price: nothing of it comes from a server. */
export interface Asset {
  /** CAIP-2 name of the chain, e.g. `eip155:84532`. */
  readonly network: string
  /** Checksummed token address; on Solana its mint. */
  readonly address: string
  readonly symbol: string
  readonly decimals: number
  /** The currency that it is pegged to or priced in. */
  readonly currency: string
  /** Price of one whole token in millionths of `currency`; 1_000_000n is a peg of one to one. */
  readonly rate: bigint
  /** EIP-712 domain of the token's contract; what a server claims must equal it. Every EVM token has it. */
  readonly eip712?: { readonly name: string; readonly version: string }
  /** The program that keeps it. Every Solana token has it. */
  readonly tokenProgram?: string
}

/** Thrown when text is not an amount. */
export class AmountError extends Error {
  override readonly name = 'AmountError'
}

const DECIMAL = /^(0|[1-9][0-9]{0,12})(?:\.([0-9]{1,6}))?$/

/**
 * Reads a decimal amount of a currency ("10", "0.05", 5.5) into millionths.
 * @throws AmountError for signs, exponents, more than 6 decimals, more than 13 digits, blanks and anything else.
 */
export function parseAmount(value: string | number): bigint {
  const match = DECIMAL.exec(String(value))
  if (!match) throw new AmountError(`not an amount: ${JSON.stringify(value)} (write it like 10, "0.05" or 2.50; at most 6 decimals)`)
  const [, whole = '0', fraction = ''] = match
  return BigInt(whole) * ONE + BigInt(fraction.padEnd(CURRENCY_DECIMALS, '0'))
}

/** Writes millionths as a decimal with at least two decimals: 4_999_000n is "4.999", 25_000_000n is "25.00". */
export function formatAmount(amount: bigint): string {
  const sign = amount < 0n ? '-' : ''
  const absolute = amount < 0n ? -amount : amount
  const fraction = (absolute % ONE)
    .toString()
    .padStart(CURRENCY_DECIMALS, '0')
    .replace(/0{1,4}$/, '')
  return `${sign}${absolute / ONE}.${fraction}`
}

/** "$8.47" for dollars, "8.47 EUR" for everything else. */
export function displayAmount(amount: bigint, currency: string): string {
  return currency === 'USD' ? `$${formatAmount(amount)}` : `${formatAmount(amount)} ${currency}`
}

/** The smallest of amounts in the same unit; absent ones bound nothing. */
export function least(amount: bigint, ...others: readonly (bigint | undefined)[]): bigint {
  let smallest = amount
  for (const other of others) if (other !== undefined && other < smallest) smallest = other
  return smallest
}

/** What `atomic` units of a token cost in millionths of its currency, rounded up. */
export function priceOf(atomic: bigint, asset: Asset): bigint {
  const unit = 10n ** BigInt(asset.decimals)
  return (atomic * asset.rate + unit - 1n) / unit
}

/** Writes atomic units of a token as a decimal: 1_000n of a token with 6 decimals is "0.001". */
export function formatAtomic(atomic: bigint, decimals: number): string {
  if (decimals === 0) return atomic.toString()
  const unit = 10n ** BigInt(decimals)
  const fraction = (atomic % unit).toString().padStart(decimals, '0').replace(/0+$/, '')
  return fraction === '' ? `${atomic / unit}` : `${atomic / unit}.${fraction}`
}

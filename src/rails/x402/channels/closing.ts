/**
 * Closing: how what was deposited and never charged comes back. The receiver is asked first, which costs one transaction
 * of its own; where it does not agree, the payer begins a withdrawal of what it never vouched for and ends it after the
 * channel's delay. What was vouched for is then left to the receiver, claimed or not: it may have been delivered for.
 */
import type { ChannelAccount } from './account.ts'
import type { ChannelOnChain } from './correction.ts'

export interface Closing {
  readonly account: Pick<ChannelAccount, 'charged' | 'signed'>
  /** As of a final block, and that block's time in seconds since 1970. */
  readonly chain: ChannelOnChain & { readonly withdrawal: { readonly initiatedAt_s: number } | undefined }
  readonly time_s: number
  readonly withdrawDelay_s: number
  /** The receiver was asked and did not give it back. */
  readonly refused: boolean
}

export type ClosingStep =
  /** Nothing is left that could come back. */
  | { readonly kind: 'closed' }
  /** Ask the receiver for this much, with the voucher of what it charged. */
  | { readonly kind: 'ask'; readonly amount: bigint }
  | { readonly kind: 'initiate'; readonly amount: bigint }
  /** Nothing can be done before this time of the chain. */
  | { readonly kind: 'wait'; readonly until_s: number }
  | { readonly kind: 'finalize' }

/** The one thing to do next; asked again after it, and after every restart, it goes on from what the chain shows. */
export function nextClosingStep({ account, chain, time_s, withdrawDelay_s, refused }: Closing): ClosingStep {
  if (chain.withdrawal) {
    const until_s = chain.withdrawal.initiatedAt_s + withdrawDelay_s
    return time_s < until_s ? { kind: 'wait', until_s } : { kind: 'finalize' }
  }
  const uncharged = returnable(chain, { signed: account.charged })
  if (!refused && uncharged > 0n) return { kind: 'ask', amount: uncharged }
  const amount = returnable(chain, account)
  return amount === 0n ? { kind: 'closed' } : { kind: 'initiate', amount }
}

/** Atomic units in the escrow that no voucher lets the receiver claim, nor has it claimed them. */
export function returnable({ balance, claimed }: ChannelOnChain, { signed }: Pick<ChannelAccount, 'signed'>): bigint {
  const taken = [claimed, signed].reduce((most, one) => (one > most ? one : most))
  return balance > taken ? balance - taken : 0n
}

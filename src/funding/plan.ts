/**
 * Funding: a treasury moves to the address of each session what the session may spend, and what is left comes back when it
 * has ended. The chain then declines what the cap forbids, whatever goes wrong here.
 *
 * This file decides, from the session and the journal alone, what has to move next. It looks at how things stand, never at
 * what was asked for: opening, top-ups and refills are the same to it, and a crash between two steps changes nothing.
 */

import type { FundedAccount, Funding, FundingKind } from '../ledger/fundings.ts'
import { MAX_WINDOW_S } from '../limits.ts'
import { type Asset, least } from '../money.ts'
import { coversAsset } from '../session/asset-names.ts'
import type { Session } from '../session/session.ts'

/** What happens next: money moves, or nothing does for a while. */
export type Next =
  | { readonly kind: FundingKind; readonly amountAtomic: bigint }
  /** Payments may still take what is there. */
  | { readonly kind: 'wait'; readonly reason: string }
  | { readonly kind: 'rest' }

/** Atomic units that are worth no more than so many millionths; what is left of a unit stays with the treasury. */
export function atomicWithin(amount: bigint, { decimals, rate }: Pick<Asset, 'decimals' | 'rate'>): bigint {
  return amount <= 0n ? 0n : (amount * 10n ** BigInt(decimals)) / rate
}

/** Whether the treasury keeps this session: one by itself, with an address of its own, that may pay with this token. */
export function isFunded(session: Pick<Session, 'id' | 'parent' | 'wallet' | 'currency' | 'networks' | 'assets'>, asset: Asset): boolean {
  const { id, parent, wallet, currency, networks, assets } = session
  return (
    parent === null &&
    wallet === id &&
    currency === asset.currency &&
    networks.includes(asset.network) &&
    coversAsset(assets, asset.address, [asset])
  )
}

export function hasEnded({ status, expiresAt }: Pick<Session, 'status' | 'expiresAt'>, now: number): boolean {
  return status !== 'open' || expiresAt <= now
}

/** What has come to the address of what was sent there, less what was swept; what is still under way counts on its way in only. */
export function netOf(fundings: readonly Funding[]): bigint {
  return fundings.reduce((net, { kind, state, amountAtomic }) => {
    if (kind === 'sweep') return state === 'done' ? net - amountAtomic : net
    return state === 'failed' ? net : net + amountAtomic
  }, 0n)
}

/**
 * What a session that goes on has to get: never more in all than its cap, and never more at once than it may still spend.
 * The second bound holds where somebody else paid something in that was swept with the rest.
 */
export function missingOf(session: Pick<Session, 'cap' | 'spent'>, fundings: readonly Funding[], asset: Asset): bigint {
  const owed = atomicWithin(session.cap, asset) - netOf(fundings)
  const spendable = atomicWithin(session.cap - session.spent, asset)
  const missing = least(owed, spendable)
  return missing > 0n ? missing : 0n
}

/** What a session that goes on gets next. Every row of the journal is over. */
export function nextInflow(session: Pick<Session, 'cap' | 'spent'>, fundings: readonly Funding[], asset: Asset): Next {
  const amountAtomic = missingOf(session, fundings, asset)
  if (amountAtomic === 0n) return { kind: 'rest' }
  return { kind: fundings.some(({ kind, state }) => kind === 'fund' && state === 'done') ? 'topup' : 'fund', amountAtomic }
}

export interface Ended {
  readonly session: Pick<Session, 'cap' | 'spent' | 'held'>
  readonly account: Pick<FundedAccount, 'endedAt'>
  readonly fundings: readonly Funding[]
  readonly asset: Asset
  /** What the address holds, and what payments of any session may still take from it; atomic units. */
  readonly balance: bigint
  readonly held: bigint
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Chain and clocks of servers may be off by so much. */
const MARGIN_S = 60

/**
 * What a session that has ended gives back: all that is there, once nothing of it can be taken any more. A settlement that
 * a server claims may not be in a block yet: where the address holds more than the books leave, the last window that was
 * signed is waited for.
 */
export function nextOutflow({ session, account, fundings, asset, balance, held, now }: Ended): Next {
  if (session.held > 0n || held > 0n) return { kind: 'wait', reason: 'What its payments hold is not settled or void yet.' }
  if (balance === 0n) return { kind: 'rest' }
  const left = netOf(fundings) - (atomicWithin(session.cap, asset) - atomicWithin(session.cap - session.spent, asset))
  const last = (account.endedAt ?? now) + (MAX_WINDOW_S + MARGIN_S) * 1000
  if (balance > left && now < last) return { kind: 'wait', reason: 'A payment that was claimed to be settled may still be taken.' }
  return { kind: 'sweep', amountAtomic: balance }
}

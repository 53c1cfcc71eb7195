/** How the money of a session stands, for people: how far it has come, and every move. */
import type { Clock } from '../clock.ts'
import { MAX_SHOWN_FUNDINGS } from '../funding-limits.ts'
import { type Funding, type FundingStore, fundingId } from '../ledger/fundings.ts'
import { type Asset, formatAtomic } from '../money.ts'
import type { Session } from '../session/session.ts'
import { atomicWithin, hasEnded, missingOf, netOf } from './plan.ts'

/**
 * funding: money is on its way, or missing; funded: all that the session may spend has been seen at its address; sweeping:
 * it has ended, and something is still there; swept: nothing is.
 */
export type FundingStanding = 'funding' | 'funded' | 'sweeping' | 'swept'

export interface Standing {
  readonly state: FundingStanding
  /** Atomic units that came, and that went back. */
  readonly funded: bigint
  readonly swept: bigint
}

export function standingOf(
  session: Session,
  fundings: readonly Funding[],
  { asset, now }: { readonly asset: Asset; readonly now: number },
): Standing {
  const done = (isSweep: boolean) =>
    fundings.reduce(
      (sum, { kind, state, amountAtomic }) => (state === 'done' && (kind === 'sweep') === isSweep ? sum + amountAtomic : sum),
      0n,
    )
  return {
    state: hasEnded(session, now) ? ending(session, fundings, asset) : going(session, fundings, asset),
    funded: done(false),
    swept: done(true),
  }
}

/** What a block has shown is there to be spent, final or not. */
function going(session: Session, fundings: readonly Funding[], asset: Asset): FundingStanding {
  const underWay = fundings.some(({ state, transaction }) => state === 'planned' || (state === 'sent' && transaction === null))
  return underWay || missingOf(session, fundings, asset) > 0n ? 'funding' : 'funded'
}

function ending(session: Session, fundings: readonly Funding[], asset: Asset): FundingStanding {
  const underWay = fundings.some(({ state }) => state === 'planned' || state === 'sent')
  const spent = atomicWithin(session.cap, asset) - atomicWithin(session.cap - session.spent, asset)
  return underWay || session.held > 0n || netOf(fundings) > spent ? 'sweeping' : 'swept'
}

/** One move. Amounts as decimals of the token and in atomic units, times by ISO 8601. */
export interface ShownMove extends Pick<Funding, 'kind' | 'state' | 'from' | 'to' | 'nonce' | 'transaction' | 'reason'> {
  readonly id: string
  readonly amount: string
  readonly amountAtomic: string
  readonly plannedAt: string
  readonly endedAt: string | null
}

export interface Shown {
  readonly state: FundingStanding
  readonly address: string
  readonly network: string
  /** Symbol. */
  readonly asset: string
  readonly funded: string
  readonly fundedAtomic: string
  readonly swept: string
  readonly sweptAtomic: string
  /** The newest. */
  readonly moves: readonly ShownMove[]
}

export interface StandingDeps {
  readonly store: Pick<FundingStore, 'account' | 'fundings'>
  readonly asset: Asset
  readonly clock: Pick<Clock, 'now'>
}

/** Tells it of a session; undefined for one that the treasury does not keep. */
export function createStanding({ store, asset, clock }: StandingDeps): (session: Session) => Promise<Shown | undefined> {
  return async (session) => {
    const account = await store.account(session.id)
    if (!account) return undefined
    const fundings = await store.fundings(session.id)
    const { state, funded, swept } = standingOf(session, fundings, { asset, now: clock.now() })
    const show = (atomic: bigint) => formatAtomic(atomic, asset.decimals)
    return {
      ...{ state, address: account.address, network: asset.network, asset: asset.symbol },
      ...{ funded: show(funded), fundedAtomic: funded.toString(), swept: show(swept), sweptAtomic: swept.toString() },
      moves: fundings.slice(-MAX_SHOWN_FUNDINGS).map((funding) => moveOf(funding, show)),
    }
  }
}

function moveOf(funding: Funding, show: (atomic: bigint) => string): ShownMove {
  const { kind, state, amountAtomic, from, to, nonce, transaction, plannedAt, endedAt, reason } = funding
  return {
    ...{ id: fundingId(funding), kind, state, amount: show(amountAtomic), amountAtomic: amountAtomic.toString() },
    ...{ from, to, nonce, transaction, reason },
    plannedAt: new Date(plannedAt).toISOString(),
    endedAt: endedAt === null ? null : new Date(endedAt).toISOString(),
  }
}

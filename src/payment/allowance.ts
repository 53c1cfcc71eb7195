/**
 * What a token lets Permit2 take from the wallet: without it a permit pays nobody. It is bounded, and set by an operator
 * with the wallet's own transaction. Read before anything is reserved, where the chain can be asked; trusted for refusing
 * only, like the balance. What permits that are out may still take of it is not there for another one.
 */
import { LRUCache } from 'lru-cache'
import { uniformAddress } from '../address.ts'
import type { Chain } from '../chain/chain.ts'
import type { Clock } from '../clock.ts'
import type { Refusal } from '../errors.ts'
import type { Ledger, Terms } from '../ledger/ledger.ts'
import { BALANCE_AGE_MS } from '../limits.ts'
import { formatAtomic } from '../money.ts'
import { SPONSORED_RETRY_S } from '../permit2-limits.ts'
import type { Events } from '../telemetry/events.ts'
import { MAX_KEPT_BALANCES } from '../wallet-limits.ts'

export type Permitted = Pick<Terms, 'network' | 'asset' | 'payer' | 'amountAtomic' | 'amount' | 'currency'> & {
  /** It may bring its own allowance: src/payment/sponsoring.ts. */
  readonly sponsored?: boolean
}

export interface AllowancesOptions {
  readonly chain: Pick<Chain, 'networks'> & Partial<Pick<Chain, 'allowance'>>
  readonly ledger: Pick<Ledger, 'heldBy'>
  readonly clock: Clock
  readonly events: Pick<Events, 'warned'>
  /** Gives up a reading that takes too long. */
  readonly inTime: <T>(work: Promise<T>) => Promise<T | undefined>
}

/** A permit that is about to be reserved. */
export interface PermitClaim {
  /** The ledger holds it from here on: the next reading finds it there. */
  reserved(): void
  /** Nothing was reserved on it. */
  release(): void
}

/** Counts a permit against the allowance, or says why Permit2 could not take as much. Undefined where nobody can tell. */
export type Allowances = (terms: Permitted) => Promise<Refusal | PermitClaim | undefined>

interface Claim {
  readonly amount: bigint
  inLedger: boolean
}

/** Of one token of one wallet. Atomic units. */
interface Account {
  /** `at`: by the monotonic clock, when it was asked for; `order`: which one it was. */
  reading: { readonly at: number; readonly order: number; readonly allowed: bigint; readonly held: bigint } | undefined
  /** Readings that were begun. */
  begun: number
  /** Counted since the reading, or counted and not reserved when it was made. */
  readonly claims: Set<Claim>
}

export function createAllowances(options: AllowancesOptions): Allowances {
  const { chain, clock } = options
  const accounts = new LRUCache<string, Account>({ max: MAX_KEPT_BALANCES })
  const accountOf = ({ network, asset, payer }: Permitted) => {
    const key = JSON.stringify([network, uniformAddress(asset.address), uniformAddress(payer)])
    const account = accounts.get(key) ?? { reading: undefined, begun: 0, claims: new Set() }
    accounts.set(key, account)
    return account
  }
  return async (terms) => {
    if (!chain.allowance || !chain.networks.includes(terms.network)) return undefined
    const account = accountOf(terms)
    const { reading } = account
    const known = reading && clock.monotonic() - reading.at < BALANCE_AGE_MS ? take(account, terms) : undefined
    if (known) return known
    if (!(await read(options, terms, account))) return undefined
    const covered = take(account, terms) ?? (terms.sponsored ? takeAlone(account, terms) : undefined)
    return covered ?? notAllowed(terms, account.reading && { allowed: account.reading.allowed, live: liveOf(account) })
  }
}

/** What permits that are out, or about to be, may still take. */
function liveOf({ reading, claims }: Account): bigint {
  return [...claims].reduce((sum, { amount }) => sum + amount, reading?.held ?? 0n)
}

/** Without a pause between looking and taking. Undefined where it is not covered. */
function take(account: Account, terms: Permitted): PermitClaim | undefined {
  return liveOf(account) + terms.amountAtomic > (account.reading?.allowed ?? 0n) ? undefined : claimed(account, terms)
}

/** An allowance of its own takes the place of the one that others rest on, so that it waits for them. */
function takeAlone(account: Account, terms: Permitted): PermitClaim | Refusal {
  if (liveOf(account) === 0n) return claimed(account, terms)
  const detail = 'Another payment by Permit2 of this wallet is under way, and allowances come one at a time. Nothing was paid.'
  return { code: 'purchase_in_progress', detail, retryAfter_s: SPONSORED_RETRY_S }
}

function claimed(account: Account, { amountAtomic }: Permitted): PermitClaim {
  const claim: Claim = { amount: amountAtomic, inLedger: false }
  account.claims.add(claim)
  return {
    reserved: () => {
      claim.inLedger = true
    },
    release: () => {
      account.claims.delete(claim)
    },
  }
}

/** What is held is read before the allowance: what is taken in between is counted twice for a moment, never not at all. */
async function read(
  { chain, ledger, clock, events, inTime }: AllowancesOptions,
  { network, asset, payer }: Permitted,
  account: Account,
): Promise<boolean> {
  const [at, order] = [clock.monotonic(), ++account.begun]
  const known = [...account.claims].filter(({ inLedger }) => inLedger)
  const look = async () => {
    const held = await ledger.heldBy({ network, token: asset.address, payer, method: 'permit2' })
    const allowed = await chain.allowance?.({ network, token: asset.address, wallet: payer })
    return allowed === undefined ? undefined : { at, order, held, allowed }
  }
  const looked = look().catch((cause: unknown) => {
    events.warned(`What ${asset.symbol} on ${network} lets Permit2 take cannot be read; payments go on without this check.`, cause)
    return undefined
  })
  const reading = await inTime(looked)
  if (!reading) return false
  // Of two that were made at once the one that began later knows more.
  if (account.reading && account.reading.order > order) return true
  for (const claim of known) account.claims.delete(claim)
  account.reading = reading
  return true
}

/** With the command that mends it. @param known atomic units: what Permit2 may take, and what permits that are out still take of it */
export function notAllowed(terms: Permitted, known?: { readonly allowed: bigint; readonly live: bigint }): Refusal {
  const { network, asset, amountAtomic, amount, currency } = terms
  const show = (atomic: bigint) => `${formatAtomic(atomic, asset.decimals)} ${asset.symbol}`
  const live = known?.live ?? 0n
  const taken = live > 0n ? `, of which permits that are out may still take ${show(live)}` : ''
  const less = known === undefined ? 'less' : `${show(known.allowed)}${taken}`
  return {
    code: 'wallet_insufficient',
    detail: `It is paid by Permit2, which may have to take ${show(amountAtomic)} on ${network} from the wallet, and is allowed ${less}.`,
    nextAction: `Ask the operator of this proxy to run \`purser wallet allow --network ${network} --asset ${asset.symbol} --amount ${formatAtomic(live + amountAtomic, asset.decimals)}\` (or with a larger amount, for later payments too), then repeat the request.`,
    ...{ amount, currency },
  }
}

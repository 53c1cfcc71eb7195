/**
 * The wallet's balance on the chain as the outermost ceiling: what it cannot cover is refused before anything is reserved
 * or signed. It is trusted for refusing only. A balance that nobody can tell refuses nothing, because the token's own
 * contract pays no more than there is; caps and limits hold either way.
 *
 * free: the balance, less what payments of all sessions may still take, less what was covered since both were read.
 */

import { setTimeout as wait } from 'node:timers/promises'
import { uniformAddress } from '../address.ts'
import type { Chain } from '../chain/chain.ts'
import type { Clock } from '../clock.ts'
import type { Refusal } from '../errors.ts'
import type { Ledger, Terms } from '../ledger/ledger.ts'
import { BALANCE_AGE_MS, BALANCE_RETRY_MS, BALANCE_TIMEOUT_MS, MAX_BALANCE_AGE_MS } from '../limits.ts'
import { formatAtomic } from '../money.ts'
import type { Events } from '../telemetry/events.ts'
import { MAX_KEPT_BALANCES } from '../wallet-limits.ts'
import { createAllowances, type PermitClaim, type Permitted } from './allowance.ts'

export interface WalletToken {
  /** CAIP-2. */
  readonly network: string
  readonly token: string
  readonly payer: string
}

/** Atomic units. */
export interface Holding {
  readonly balance: bigint
  /** Never negative. */
  readonly free: bigint
}

/** An amount that is counted against the wallet from now on. */
export interface Cover {
  /** The ledger holds it from here on: the next reading finds it there. */
  reserved(): void
  /** Nothing was reserved on it. */
  release(): void
}

export type Covered = { readonly kind: 'covered'; readonly cover: Cover } | { readonly kind: 'refused'; readonly refusal: Refusal }

export interface Funds {
  /** Counts the payment against its wallet, or says why not. In one process no two payments are covered by the same money. */
  cover(
    terms: Pick<Terms, 'network' | 'asset' | 'payer' | 'amountAtomic' | 'amount' | 'currency' | 'method'> & Pick<Permitted, 'sponsored'>,
  ): Promise<Covered>
  /** What the wallet holds, for people, read within the last second; undefined where nobody can tell. */
  holding(wallet: WalletToken): Promise<Holding | undefined>
}

export interface FundsOptions {
  readonly chain: Pick<Chain, 'networks' | 'balance'> & Partial<Pick<Chain, 'allowance'>>
  readonly ledger: Pick<Ledger, 'heldBy'>
  readonly clock: Clock
  readonly events: Pick<Events, 'warned'>
  /** Rejects or resolves when this much time is over. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<unknown>
  /** Wallets and tokens that are kept at hand. */
  readonly most?: number
}

/** `at`: by the monotonic clock, when the reading began. */
type Reading = { readonly at: number } & (
  | { readonly kind: 'read'; readonly balance: bigint; readonly held: bigint }
  | { readonly kind: 'unread' }
)

interface Claim {
  readonly amount: bigint
  inLedger: boolean
}

interface Account {
  reading: Reading | undefined
  asking: Promise<Reading> | undefined
  /** Covered since the reading, or covered and not reserved when it was made. */
  claims: Set<Claim>
}

const UNCOUNTED: Covered = { kind: 'covered', cover: { reserved: () => undefined, release: () => undefined } }
const PAUSE: NonNullable<FundsOptions['pause']> = (ms, signal) => wait(ms, undefined, { signal, ref: false })

export function createFunds(options: FundsOptions): Funds {
  const accounts = new Map<string, Account>()
  const accountOf = ({ network, token, payer }: WalletToken) => {
    const key = JSON.stringify([network, uniformAddress(token), uniformAddress(payer)])
    const account = accounts.get(key) ?? { reading: undefined, asking: undefined, claims: new Set() }
    accounts.delete(key)
    accounts.set(key, account)
    if (accounts.size > (options.most ?? MAX_KEPT_BALANCES)) forgetOne(accounts)
    return account
  }
  const ask = (wallet: WalletToken, account: Account) => {
    account.asking ??= read(options, wallet, account).finally(() => {
      account.asking = undefined
    })
    return account.asking
  }
  const recent = async (wallet: WalletToken, account: Account): Promise<Reading> => {
    const { reading } = account
    if (!reading) return ask(wallet, account)
    const age = options.clock.monotonic() - reading.at
    if (reading.kind === 'unread') return age < BALANCE_RETRY_MS ? reading : ask(wallet, account)
    if (age >= MAX_BALANCE_AGE_MS) return ask(wallet, account)
    // A payment that the last reading covers does not wait for the next one.
    if (age >= BALANCE_AGE_MS) void ask(wallet, account)
    return reading
  }
  const allowances = createAllowances({ ...options, inTime: (work) => inTime(options, work) })
  const knows = ({ network }: WalletToken) => options.chain.networks.includes(network)
  return {
    async cover(terms) {
      const wallet = { network: terms.network, token: terms.asset.address, payer: terms.payer }
      // What a voucher lets the receiver have has left the wallet with the deposit.
      if (!knows(wallet) || terms.method === 'voucher') return UNCOUNTED
      const permit = terms.method === 'permit2' ? await allowances(terms) : undefined
      if (permit && 'code' in permit) return { kind: 'refused', refusal: permit }
      const account = accountOf(wallet)
      // Neither of the two rejects: what cannot be read covers.
      await recent(wallet, account)
      const covered = take(account, terms.amountAtomic)
      if (covered) return withPermit(covered, permit)
      const age = options.clock.monotonic() - (account.reading?.at ?? 0)
      if (age >= BALANCE_RETRY_MS) await ask(wallet, account)
      return withPermit(take(account, terms.amountAtomic) ?? { kind: 'refused', refusal: insufficient(terms, account) }, permit)
    },
    async holding(wallet) {
      if (!knows(wallet)) return undefined
      const account = accountOf(wallet)
      // Whoever looks has often just paid something in: they are shown what the chain says now.
      const age = account.reading && options.clock.monotonic() - account.reading.at
      if (age === undefined || age >= BALANCE_RETRY_MS) await ask(wallet, account)
      const { reading } = account
      return reading?.kind === 'read' ? { balance: reading.balance, free: freeOf(account) ?? 0n } : undefined
    },
  }
}

/** Covered by balance and allowance, or by neither. */
function withPermit(covered: Covered, permit: PermitClaim | undefined): Covered {
  if (!permit) return covered
  if (covered.kind === 'refused') {
    permit.release()
    return covered
  }
  const both = [covered.cover, permit]
  const reserved = () => {
    for (const one of both) one.reserved()
  }
  const release = () => {
    for (const one of both) one.release()
  }
  return { kind: 'covered', cover: { reserved, release } }
}

/** The one that was asked for longest ago and covers nothing that the ledger does not hold: its next reading knows all of it. */
function forgetOne(accounts: Map<string, Account>): void {
  for (const [key, { asking, claims }] of accounts) {
    if (asking || [...claims].some(({ inLedger }) => !inLedger)) continue
    accounts.delete(key)
    return
  }
}

/** Without a pause between looking and taking. Undefined where it is not covered. */
function take(account: Account, amount: bigint): Covered | undefined {
  const free = freeOf(account)
  if (free === undefined) return UNCOUNTED
  if (amount > free) return undefined
  const claim: Claim = { amount, inLedger: false }
  account.claims.add(claim)
  const cover: Cover = {
    reserved: () => {
      claim.inLedger = true
    },
    release: () => {
      account.claims.delete(claim)
    },
  }
  return { kind: 'covered', cover }
}

/** Undefined where nobody can tell. */
function freeOf({ reading, claims }: Account): bigint | undefined {
  if (reading?.kind !== 'read') return undefined
  const free = [...claims].reduce((left, { amount }) => left - amount, reading.balance - reading.held)
  return free > 0n ? free : 0n
}

/**
 * What is held is read before the balance: what settles in between is counted twice for a moment, never not at all.
 * Covers that were reserved when the reading began are in it.
 */
async function read(
  { chain, ledger, clock, events, pause = PAUSE }: FundsOptions,
  wallet: WalletToken,
  account: Account,
): Promise<Reading> {
  const at = clock.monotonic()
  const known = [...account.claims].filter(({ inLedger }) => inLedger)
  const over = new AbortController()
  const late = pause(BALANCE_TIMEOUT_MS, over.signal).then(
    () => undefined,
    () => undefined,
  )
  try {
    const held = await ledger.heldBy(wallet)
    const balance = await Promise.race([chain.balance({ ...wallet, wallet: wallet.payer }), late])
    if (balance === undefined) throw new Error(`The RPC of ${wallet.network} took longer than ${BALANCE_TIMEOUT_MS / 1000} s.`)
    for (const claim of known) account.claims.delete(claim)
    account.reading = { kind: 'read', at, balance, held }
  } catch (cause) {
    if (account.reading?.kind !== 'unread') {
      events.warned(`The balance of ${wallet.payer} on ${wallet.network} cannot be read; payments go on without this ceiling.`, cause)
    }
    account.reading = { kind: 'unread', at }
  } finally {
    over.abort()
  }
  return account.reading
}

/** Undefined where it takes longer than a payment waits for a balance. */
async function inTime<T>({ pause = PAUSE }: FundsOptions, work: Promise<T>): Promise<T | undefined> {
  const over = new AbortController()
  const late = pause(BALANCE_TIMEOUT_MS, over.signal).then(
    () => undefined,
    () => undefined,
  )
  try {
    return await Promise.race([work, late])
  } finally {
    over.abort()
  }
}

/** Undivided amounts of tokens: the agent may know why, and the operator how much to add. */
function insufficient(
  { network, asset, amountAtomic, amount, currency }: Pick<Terms, 'network' | 'asset' | 'amountAtomic' | 'amount' | 'currency'>,
  account: Account,
): Refusal {
  const show = (atomic: bigint) => `${formatAtomic(atomic, asset.decimals)} ${asset.symbol}`
  const free = show(freeOf(account) ?? 0n)
  return {
    code: 'wallet_insufficient',
    detail: `It costs ${show(amountAtomic)} on ${network}, and the wallet has ${free} free: the rest of its balance may still be taken by other payments.`,
    amount,
    currency,
  }
}

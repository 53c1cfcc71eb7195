/**
 * Sessions under a mandate. Each mandate has one durable session, by the digest of what its issuer signed, that holds its
 * bounds; whatever is opened with it is a child of that one. So a mandate that is presented twice grants no more than once,
 * the ledger counts for it like for every budget, and to revoke that session revokes the mandate here.
 */
import { PurserError, refused } from '../errors.ts'
import type { Ledger, NewSession } from '../ledger/ledger.ts'
import { type Grant, isRefused, type Mandate } from '../mandate/mandate.ts'
import { displayAmount, least } from '../money.ts'
import type { Opening } from '../session/narrower.ts'
import { remainingOf, type Session, type SessionLimits } from '../session/session.ts'
import type { SessionRequest } from '../session/spec.ts'
import { OWN_LABELS } from '../session/workload.ts'
import type { AdminDeps } from './deps.ts'
import { newChild, newSession } from './open-session.ts'

export type MandatedDeps = Pick<AdminDeps, 'ledger' | 'clock' | 'ids' | 'tokenSecret' | 'wallet' | 'assets' | 'mandates'> &
  Partial<Pick<AdminDeps, 'defaults'>>

export interface Under extends Pick<Opening, 'opener'> {
  /** Whose child the mandate becomes, where it is not free. */
  readonly parent: Session | undefined
}

/**
 * The session that this asks for under its mandate. What it asks beyond the mandate's sum and time is cut to them, what
 * else is wider is refused.
 * @throws PurserError `request_invalid` (mandate, or wider), `conflict` (used up, or bound to another budget)
 */
export async function newMandated(asked: SessionRequest, given: MandatedDeps, under: Under): Promise<NewSession> {
  const now = given.clock.now()
  // One moment for all of it: what is cut to the mandate's end must not be too long a millisecond later.
  const deps = { ...given, clock: { now: () => now, monotonic: () => given.clock.monotonic() } }
  const mandate = await presented(asked.mandate ?? '', deps)
  const budget = await budgetOf(mandate, asked, { deps, under })
  const left = remainingOf(budget)
  if (left <= 0n || budget.expiresAt <= now)
    throw refused('conflict', `The mandate is used up: nothing of its ${displayAmount(budget.cap, budget.currency)} is left.`)
  const cut = { ...asked, cap: least(asked.cap, left), ttl_ms: Math.min(asked.ttl_ms, budget.expiresAt - now) }
  return newChild(budget, cut, { ...deps, opener: under.opener })
}

async function presented(text: string, { mandates, clock, ledger }: MandatedDeps): Promise<Mandate> {
  if (!mandates) throw refused('request_invalid', 'mandate: none are taken here, because no issuers are configured (mandates.issuers).')
  const now = clock.now()
  const mandate = await mandates.read(text, now)
  if (isRefused(mandate)) throw refused('request_invalid', `mandate: ${mandate.why}.`)
  const { from, until } = mandate.grant
  if (now < from) throw refused('request_invalid', `mandate: it may be used from ${new Date(from).toISOString()} on.`)
  if (now >= until) throw refused('request_invalid', `mandate: it ended at ${new Date(until).toISOString()}.`)
  const { nonce } = mandate
  if (nonce && !(await ledger.approvals.useOnce(nonce.mark, nonce.expiresAt)))
    throw refused('request_invalid', 'mandate: the nonce of its proof of possession was used before; ask for a new one.')
  return mandate
}

interface Opened {
  readonly deps: MandatedDeps
  readonly under: Under
}

/** The mandate's own session, made when it is presented first. */
async function budgetOf(mandate: Mandate, asked: SessionRequest, { deps, under }: Opened): Promise<Session> {
  const name = `mandate:${mandate.digest}`
  const found =
    (await deps.ledger.sessionByName(name)) ?? (await openBudget(name, deps.ledger, await termsOf(mandate, asked, { deps, under })))
  if (under.parent && found.parent !== under.parent.id)
    throw refused(
      'conflict',
      `The mandate was presented elsewhere first, and stays there; it cannot be used under session ${under.parent.id}.`,
    )
  return found
}

/** Who presents it at the same time on another process may be first. */
async function openBudget(name: string, ledger: Ledger, terms: NewSession): Promise<Session> {
  try {
    return await ledger.openSession({ ...terms, name })
  } catch (fault) {
    const first = fault instanceof PurserError && fault.refusal.code === 'conflict' ? await ledger.sessionByName(name) : undefined
    if (first) return first
    throw fault
  }
}

async function termsOf(mandate: Mandate, asked: SessionRequest, { deps, under }: Opened): Promise<NewSession> {
  const { grant, digest, issuer } = mandate
  const { parent, opener } = under
  const now = deps.clock.now()
  const payer = parent?.wallet ?? asked.wallet ?? deps.defaults?.wallet ?? null
  const networks = await networksOf(grant, payer, { deps, parent })
  // Where the mandate names the accounts that may pay, what was checked is what pays.
  const bound = grant.accounts ? { wallet: payer } : {}
  const shared = { purpose: `AP2 mandate of ${issuer}`, currency: grant.currency, ...(networks && { networks }) }
  const labels = { [`${OWN_LABELS}mandate`]: digest }
  if (parent) {
    const cap = least(grant.total, remainingOf(parent))
    if (cap <= 0n) throw refused('conflict', `Nothing remains of session ${parent.id}, so no mandate can be used under it.`)
    const request = { ...shared, cap, ttl_ms: Math.min(grant.until, parent.expiresAt) - now, limits: limitsUnder(parent, grant, cap) }
    const child = newChild(parent, request, { ...deps, opener })
    return { ...child, ...bound, labels: { ...child.labels, ...labels } }
  }
  if (!deps.defaults) throw new Error('a mandate without a parent is opened by operators only')
  const { agent = 'agent', owner, wallet } = asked
  const opened = await newSession(
    {
      ...shared,
      ...{ agent, cap: grant.total, ttl_ms: grant.until - now, limits: limitsOf(grant, grant.total), scope: {}, labels },
      ...{ parent: null, singleUse: false, refill: null },
      ...(owner === undefined ? {} : { owner }),
      ...(wallet === undefined ? {} : { wallet }),
    },
    { ...deps, defaults: deps.defaults },
  )
  return { ...opened, ...bound }
}

function limitsOf({ perPayment, payments, payees }: Grant, cap: bigint): SessionLimits {
  return {
    ...(perPayment === undefined ? {} : { perPayment }),
    ...(payments === undefined ? {} : { payments }),
    ...(payees === undefined ? {} : { perRecipient: Object.fromEntries(payees.map((payee) => [payee, cap])) }),
  }
}

/** Both hold, so the smaller of each; payees that the parent does not name are refused, as everywhere. */
function limitsUnder({ limits }: Session, grant: Grant, cap: bigint): SessionLimits {
  const most = least(cap, ...Object.values(limits.perRecipient ?? {}))
  const { perPayment, payments, ...rest } = limitsOf(grant, most)
  return {
    ...rest,
    ...(perPayment === undefined ? {} : { perPayment: least(perPayment, limits.perPayment) }),
    ...(payments === undefined ? {} : { payments: Math.min(payments, limits.payments ?? payments) }),
  }
}

/** Where the mandate names accounts that may pay, the wallet has to be one of them; its networks then bound the session. */
async function networksOf(
  { accounts }: Grant,
  walletName: string | null,
  { deps, parent }: { readonly deps: MandatedDeps; readonly parent: Session | undefined },
): Promise<readonly string[] | undefined> {
  if (!accounts) return undefined
  const address = (await deps.wallet.address(walletName)).toLowerCase()
  const own = accounts.filter((account) => account.address === address)
  if (own.length === 0) throw refused('request_invalid', 'mandate: the wallet is not among the payment instruments that it allows.')
  // On Solana another address would pay, which is not the one that was looked for.
  const within = parent?.networks ?? deps.defaults?.networks ?? []
  const payable = within.filter((network) => !network.startsWith('solana:'))
  const anywhere = own.some(({ network }) => network === undefined)
  if (anywhere && payable.length === within.length) return undefined
  const named = own.flatMap(({ network }) => network ?? [])
  const usable = payable.filter((network) => anywhere || named.includes(network))
  if (usable.length === 0) throw refused('request_invalid', 'mandate: it allows no network that can be paid on here.')
  return usable
}

/** The verdict on a payment that is only described: its category and perhaps its trust come from whoever asks. */

import type { Ledger } from '../ledger/ledger.ts'
import { MAX_PAGE } from '../limits.ts'
import { classify, SANCTIONED, UNVERIFIED_AGENTS } from '../policy/classify.ts'
import { decide } from '../policy/decide.ts'
import type { Classification, Decision } from '../policy/decision.ts'
import { frequencyBounds } from '../policy/tiers.ts'
import type { History } from '../session/history.ts'
import { outOfScope } from '../session/scope.ts'
import { isSolanaAddress } from '../solana-address.ts'
import type { AheadDeps, AheadRequest } from './ahead.ts'

export interface AheadVerdict {
  readonly classification: Classification
  readonly decision: Decision
}

const ADDRESS = /^0x[0-9a-f]{40}$/i
const DERIVED: ReadonlySet<string> = new Set([SANCTIONED, UNVERIFIED_AGENTS])

/** The host of a recipient; empty for an address. */
export function hostOfRecipient(recipient: string): string {
  return ADDRESS.test(recipient) || isSolanaAddress(recipient) ? '' : recipient.toLowerCase()
}

export async function judgeAhead(deps: AheadDeps, request: AheadRequest): Promise<AheadVerdict> {
  const { session, amount, recipient, category, justification } = request
  const policy = deps.policy()
  const [host, now] = [hostOfRecipient(recipient), deps.clock.now()]
  const history = await historyOf(deps, request)
  const target = { host, port: 443, path: '/', method: 'POST', payTo: recipient }
  const seen = supposing(classify(target, policy.rules, history), request)
  const { hosts, categories } = session.scope
  const scope = { ...(hosts && host !== '' && { hosts }), ...(categories && { categories }) }
  const decision = decide({
    quote: { amount, currency: session.currency, host: host || recipient },
    classification: seen,
    ...{ history, now, policy },
    hints: { payNever: false, ...(justification !== null && { justification }) },
    scopeReason: outOfScope(scope, { host, method: 'POST', categories: [category] }),
  })
  return { classification: seen, decision }
}

function supposing(seen: Classification, { category, recipientTrust }: AheadRequest): Classification {
  const categories = [category, ...seen.categories.filter((name) => DERIVED.has(name) && name !== category)]
  if (recipientTrust === undefined) return { ...seen, categories }
  const { trustBefore: _, ...rest } = seen
  // Who is listed as verified is no unverified agent.
  const kept = recipientTrust === 'verified' ? categories.filter((name) => name === category || name !== UNVERIFIED_AGENTS) : categories
  return { ...rest, categories: kept, trust: recipientTrust, trustReason: 'The request says so.', recipientChanged: false }
}

async function historyOf(deps: AheadDeps, { session, recipient, network }: AheadRequest): Promise<History> {
  const { ledger, policy, clock, standalone } = deps
  const bounds = frequencyBounds(policy().tiers)
  const host = hostOfRecipient(recipient)
  const query = { agent: session.agent, sessionId: session.id, origin: `https://${host}`, network, payTo: recipient, tiers: bounds }
  const history = await ledger.history(query)
  if (!standalone) return history
  const counted = await Promise.all(
    bounds.map(async (bound) => [bound.tier, await authorizedIn(ledger, session.id, { ...bound, now: clock.now() })] as const),
  )
  return { ...history, frequency: Object.fromEntries(counted) }
}

/** Approved ones on record: they stand as void, because nothing was spent. */
async function authorizedIn(
  ledger: Pick<Ledger, 'payments'>,
  session: string,
  { tier, max, per_ms, now }: { readonly tier: string; readonly max: number; readonly per_ms: number; readonly now: number },
): Promise<{ count: number; oldestAt: number | undefined }> {
  let [count, oldestAt, cursor]: [number, number | undefined, string | null | undefined] = [0, undefined, undefined]
  const filter = { session, tier, state: 'void', since: now - per_ms + 1 } as const
  while (cursor !== null && count < max) {
    const page: Awaited<ReturnType<Ledger['payments']>> = await ledger.payments(filter, { limit: MAX_PAGE, ...(cursor && { cursor }) })
    count += page.items.length
    oldestAt = page.items.at(-1)?.decidedAt ?? oldestAt
    cursor = page.next
  }
  return { count, oldestAt }
}

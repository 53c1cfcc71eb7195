/** One receipt, as books hear of it: what happened to which payment, with all that an entry needs and nothing that pays. */
import * as z from 'zod'
import type { Alert } from '../approval/alert.ts'
import { placeShown, plain } from '../approval/text.ts'
import { COST_CENTRE } from '../audit/daily.ts'
import type { Receipt } from '../audit/receipt.ts'
import { BOOK_TYPES, type BookType } from '../event-types.ts'
import type { Session } from '../session/session.ts'
import { factsSchema } from './facts.ts'

const text = z.string()
const time = z.iso.datetime().nullable()

/** Amounts are decimal, atomic ones whole; text of agents and servers is cleaned and bounded. */
export const bookDataSchema = z.strictObject({
  paymentId: text,
  sessionId: text,
  agent: text,
  owner: text.describe('of the session'),
  costCentre: text.describe('the label costCentre of the session; empty without one'),
  labels: z.record(text, text).describe('of the session'),
  sentence: text,
  facts: factsSchema,
  state: text.describe('of the payment after this: denied, settled, unknown, void, expired'),
  code: text.nullable().describe('why it was refused or voided'),
  tier: text.describe('empty where no tier applied'),
  rule: text,
  reason: text,
  policyVersion: text,
  categories: z.array(text),
  tool: text.nullable(),
  task: text.nullable(),
  user: text.nullable(),
  amount: text.nullable().describe('decimal, in currency; null where no offer was priced'),
  currency: text.nullable(),
  amountAtomic: text.nullable().describe('whole units of the token'),
  asset: z.strictObject({ symbol: text, address: text, decimals: z.int() }).nullable(),
  network: text.nullable().describe('CAIP-2'),
  rail: text.nullable(),
  scheme: text.nullable(),
  payer: text.nullable(),
  recipient: text.nullable(),
  method: text,
  resource: text.describe('URL without query'),
  transaction: text.nullable(),
  evidence: text.nullable().describe('claimed by the server, confirmed by the chain, or entered by an operator'),
  refunded: text.describe('what came back so far, in currency'),
  dispute: text.nullable(),
  delivered: z.boolean().describe('the agent has its answer'),
  approval: text.nullable().describe('id of the approval that it rests on'),
  count: z.int().describe('identical refusals counted so far; 1 for everything else'),
  times: z.record(text, time),
  receipt: z.strictObject({
    id: text,
    number: z.int().describe('gap-free within the session'),
    kind: z.enum(['refusal', 'conclusion', 'amendment']),
    hash: text.describe('SHA-256 of the receipt, hex'),
    at: z.iso.datetime(),
  }),
})
export type BookData = z.infer<typeof bookDataSchema>

/** What a webhook gets. */
export const bookEventSchema = z.strictObject({ type: z.enum(BOOK_TYPES), timestamp: z.iso.datetime(), data: bookDataSchema })

/**
 * @param before the entry about the same payment that came before this one, where there is one
 * @param session whose payment it is
 */
export function bookEvent(
  receipt: Receipt,
  { before, session }: { readonly before: Receipt | undefined; readonly session: Pick<Session, 'owner' | 'labels'> },
): Alert {
  const type = bookTypeOf(receipt, before)
  const { sessionId, agent } = receipt
  return {
    ...{ type, sessionId, agent, owner: session.owner, at: Date.parse(receipt.at) },
    sentence: sentenceOf(type, receipt),
    facts: bookFacts(receipt),
    data: dataOf(receipt, session),
  }
}

/** A state is told once, when it is entered; what is learned later amends it. */
export function bookTypeOf({ kind, state, refunded }: Receipt, before: Receipt | undefined): BookType {
  if (kind === 'refusal') return 'payment.refused'
  if (before?.state !== state) return STATES[state] ?? 'payment.amended'
  return before.refunded === refunded ? 'payment.amended' : 'payment.refunded'
}

const STATES: Readonly<Record<string, BookType>> = {
  settled: 'payment.settled',
  unknown: 'payment.unknown',
  void: 'payment.void',
  expired: 'payment.expired',
}

function sentenceOf(type: BookType, receipt: Receipt): string {
  const { agent, refunded, currency } = receipt
  const what = `${amountOf(receipt)} to ${placeOf(receipt)}`
  switch (type) {
    case 'payment.settled':
      return `${agent} paid ${what}.`
    case 'payment.refused':
      return `${agent} was refused ${what}: ${receipt.reason}`
    case 'payment.unknown':
      return `${agent} may have paid ${what}; it counts as held until that is known.`
    case 'payment.void':
      return `${agent} did not pay ${what}; what was held is free again.`
    case 'payment.expired':
      return `Nobody can tell whether ${agent} paid ${what}; it counts as spent.`
    case 'payment.refunded':
      return `${refunded} ${currency ?? ''} of ${what} by ${agent} came back so far.`
    case 'payment.amended':
      return `More is known of ${what} by ${agent}.`
  }
}

function bookFacts(receipt: Receipt): Alert['facts'] {
  const { recipient, sessionId, tier, transaction, paymentId, id } = receipt
  const facts: [string, string | null][] = [
    ['Amount', amountOf(receipt)],
    ['Recipient', recipient],
    ['Resource', withoutQuery(receipt.resource)],
    ['Session', sessionId],
    ['Tier', tier === '' ? null : tier],
    ['Transaction', transaction],
    ['Payment', paymentId],
    ['Receipt', id],
  ]
  return facts.flatMap(([label, value]) => (value === null ? [] : [[label, value] as const]))
}

function dataOf(
  receipt: Receipt,
  { labels }: Pick<Session, 'labels'>,
): Omit<BookData, 'sessionId' | 'agent' | 'owner' | 'sentence' | 'facts'> {
  const { paymentId, state, code, tier, rule, policyVersion, categories, amount, currency, amountAtomic, asset } = receipt
  const { network, rail, scheme, payer, recipient, method, transaction, evidence, refunded, dispute, delivered, count, times } = receipt
  const { id, number, kind, hash, at } = receipt
  return {
    ...{ paymentId, costCentre: labels[COST_CENTRE] ?? '', labels, state, code, tier, rule, reason: plain(receipt.reason), policyVersion },
    ...{ categories: [...categories], amount, currency, amountAtomic, asset: asset && { ...asset, symbol: plain(asset.symbol, 20) } },
    ...{ network, rail, scheme, payer, recipient, method, resource: withoutQuery(receipt.resource) },
    ...{ tool: said(receipt.tool), task: said(receipt.task), user: said(receipt.user) },
    ...{ transaction, evidence, refunded, dispute, delivered, approval: receipt.context?.approval?.id ?? null, count, times },
    receipt: { id, number, kind, hash, at },
  }
}

const said = (value: string | null) => (value === null ? null : plain(value))

function amountOf({ amount, currency }: Receipt): string {
  return amount === null ? 'an amount that is not known' : `${amount} ${currency ?? ''}`.trim()
}

function placeOf({ resource, recipient }: Receipt): string {
  return placeShown({ url: resource, host: '', payTo: recipient ?? '' })
}

/** A query may carry what is nobody's business. */
function withoutQuery(url: string): string {
  if (!URL.canParse(url)) return plain(url)
  const { origin, pathname } = new URL(url)
  return plain(`${origin}${pathname}`)
}

/**
 * One payment as a story: what happened to it, in order, from its challenge to the last that became known. Told from the
 * payment's own times, from what people were asked and said, and from its receipts. Pure.
 */
import type { Approval } from '../approval/approval.ts'
import { plain } from '../approval/text.ts'
import type { Receipt } from '../audit/receipt.ts'
import { shownScheme } from '../channel-terms.ts'
import { receiptContext } from '../ledger/context.ts'
import type { Payment } from '../ledger/ledger.ts'
import { displayAmount, formatAtomic } from '../money.ts'
import { isoTime } from './views.ts'

export const STEP_KINDS = [
  ...['challenged', 'decided', 'asked', 'noticed', 'voted', 'answered', 'reserved', 'signed', 'sent', 'settled', 'refused', 'void'],
  ...['unknown', 'expired', 'delivered', 'confirmed', 'disputed', 'undisputed', 'refunded', 'repeated', 'amended'],
] as const
export type StepKind = (typeof STEP_KINDS)[number]

export interface Fact {
  readonly label: string
  readonly value: string
  /** Somebody else's words, cleaned: plain text only. */
  readonly untrusted: boolean
}

export interface Step {
  /** ISO 8601. */
  readonly at: string
  readonly kind: string
  readonly title: string
  readonly detail: string | null
  readonly facts: Fact[]
  readonly receiptId: string | null
}

export interface Told {
  readonly payment: Payment
  readonly approval: Approval | undefined
  /** Oldest first. */
  readonly receipts: readonly Receipt[]
}

/** Oldest first; what happened at one moment stands in the order in which payments go. */
export function stepsOf({ payment, approval, receipts }: Told): Step[] {
  const steps = [...beginning(payment), ...(approval ? asking(approval) : []), ...moving(payment), ...receipts.flatMap(concluding)]
  return [...steps, ...delivering(payment)].sort((a, b) => (a.at === b.at ? 0 : a.at < b.at ? -1 : 1))
}

type Values = readonly (readonly [label: string, value: string | null | undefined, untrusted?: 'untrusted'])[]

interface More {
  readonly detail?: string | null
  readonly facts?: Values
  readonly receiptId?: string
}

function step(at: string, kind: StepKind, title: string, { detail = null, facts = [], receiptId }: More = {}): Step {
  const shown = facts.flatMap(([label, value, from]): Fact[] =>
    value ? [{ label, value: from ? plain(value) : value, untrusted: from !== undefined }] : [],
  )
  return { at, kind, title, detail, facts: shown, receiptId: receiptId ?? null }
}

function beginning(payment: Payment): Step[] {
  const { terms, method, url, tier, reason, rule, policyVersion, categories, trust, justification, wouldBe } = payment
  const context = receiptContext(payment.context)
  const offer: Values = terms
    ? [
        ['price', displayAmount(terms.amount, terms.currency)],
        ['token', `${formatAtomic(terms.amountAtomic, terms.asset.decimals)} ${terms.asset.symbol}`],
        ['recipient', terms.payTo],
        ['network', terms.network],
        ['scheme', `${terms.rail} ${shownScheme(terms)}`],
      ]
    : []
  const judged: Values = [
    ...([
      ['rule', rule],
      ['policy', policyVersion],
      ['trust', trust],
      ['categories', categories.join(', ')],
    ] as const),
    ...([
      ['would be', wouldBe],
      ['noticed', context?.facts?.join(' ')],
      ['not taken', context?.alternatives?.join(' ')],
    ] as const),
    ['justification', justification, 'untrusted'],
    ['on behalf of', context?.onBehalfOf?.join(' → '), 'untrusted'],
    ...([
      ['trace', context?.trace],
      ['authorized ahead', context?.auditId],
    ] as const),
  ]
  return [
    step(isoTime(payment.challengedAt), 'challenged', 'The server asked for a payment', {
      facts: [['request', `${method} ${url}`, 'untrusted'], ...offer],
    }),
    step(isoTime(payment.decidedAt), 'decided', tier === '' ? 'No tier applied' : `Tier ${tier} applied`, {
      detail: reason,
      facts: judged,
    }),
  ]
}

const ANSWERS: Readonly<Record<Exclude<Approval['state'], 'pending'>, readonly [StepKind, string]>> = {
  approved: ['answered', 'It was approved'],
  passed: ['answered', 'Nobody vetoed it in time'],
  used: ['answered', 'It was allowed'],
  denied: ['refused', 'It was denied'],
  vetoed: ['refused', 'It was vetoed'],
  expired: ['void', 'Nobody decided in time, or nobody came for it'],
  withdrawn: ['void', 'It was withdrawn'],
}

function asking({ id, kind, state, required, votes, createdAt, noticedAt, decidedAt, usedAt }: Approval): Step[] {
  const asked =
    kind === 'veto' ? 'A veto window was opened' : `${required === 1 ? 'Somebody was' : `${required} people were`} asked to approve it`
  const ended = decidedAt ?? usedAt
  return [
    step(isoTime(createdAt), 'asked', asked, { facts: [['approval', id]] }),
    ...(noticedAt === null ? [] : [step(isoTime(noticedAt), 'noticed', 'The notice reached somebody')]),
    ...votes.map(({ at, verdict, person, channel, reason }) =>
      step(isoTime(at), 'voted', `${person} said ${verdict === 'approve' ? 'yes' : 'no'}`, {
        facts: [
          ['by', channel],
          ['reason', reason, 'untrusted'],
        ],
      }),
    ),
    ...(ended === null || state === 'pending' ? [] : [step(isoTime(ended), ...ANSWERS[state])]),
  ]
}

function moving({ reservedAt, signedAt, sentAt, nonce, validBefore_s, terms }: Payment): Step[] {
  const until = validBefore_s === null ? null : isoTime(validBefore_s * 1000)
  return [
    ...(reservedAt === null ? [] : [step(isoTime(reservedAt), 'reserved', 'The money was set aside')]),
    ...(signedAt === null
      ? []
      : [
          step(isoTime(signedAt), 'signed', 'The wallet signed it', {
            facts: [
              ['payer', terms?.payer],
              ['nonce', nonce],
              ['valid until', until],
            ],
          }),
        ]),
    ...(sentAt === null ? [] : [step(isoTime(sentAt), 'sent', 'The payment was sent')]),
  ]
}

function delivering({ deliveredAt, delivery, delivered }: Payment): Step[] {
  if (deliveredAt === null || !delivery) return []
  const title = delivered ? 'The agent got its answer' : 'The agent did not get a whole answer'
  const facts: Values = [
    ['status', String(delivery.status)],
    ['bytes', String(delivery.bytes)],
  ]
  return [step(isoTime(deliveredAt), 'delivered', title, { facts })]
}

const ENDS: Readonly<Record<string, readonly [StepKind, string]>> = {
  denied: ['refused', 'It was refused'],
  settled: ['settled', 'It was settled'],
  void: ['void', 'It was voided: no money moved'],
  unknown: ['unknown', 'Whether money moved is not known; it stays held'],
  expired: ['expired', 'Its window closed without proof; it counts as spent'],
}

/** What this receipt tells that the one before it did not. */
function concluding(receipt: Receipt, index: number, all: readonly Receipt[]): Step[] {
  const before = all[index - 1]
  const news = [...ending(receipt, before), ...knowing(receipt, before)]
  if (news.length > 0 || isOnlyDelivery(receipt, before)) return news
  return [step(receipt.at, 'amended', 'Something more was recorded', { detail: receipt.settlement, receiptId: receipt.id })]
}

/** Told by the payment itself. */
function isOnlyDelivery(receipt: Receipt, before: Receipt | undefined): boolean {
  return before !== undefined && JSON.stringify(receipt.delivery) !== JSON.stringify(before.delivery)
}

function ending(receipt: Receipt, before: Receipt | undefined): Step[] {
  const { at, id: receiptId, state, code, reason, settlement, transaction, evidence } = receipt
  const [kind, title] = ENDS[state] ?? []
  if (!kind || !title || before?.state === state) return []
  const facts: Values = [
    ['code', code],
    ['evidence', evidence],
    ['transaction', transaction],
  ]
  return [step(at, kind, title, { detail: settlement ?? reason, facts, receiptId })]
}

/** Before the first receipt nothing had come back. */
function isSame(refunded: string, before: string | undefined): boolean {
  return before === undefined ? /^[0.]+$/.test(refunded) : refunded === before
}

function knowing(receipt: Receipt, before: Receipt | undefined): Step[] {
  const { at, id: receiptId, evidence, block, transaction, settlement, dispute, refunded, currency, count } = receipt
  const proof: Values = [
    ['block', block],
    ['transaction', transaction],
  ]
  const proven = (evidence === 'confirmed' || evidence === 'operator') && before?.evidence !== evidence
  const title = evidence === 'operator' ? 'Two people have seen proof of it' : 'The chain confirmed it in a final block'
  const doubt = (before?.dispute ?? null) !== dispute
  return [
    ...(proven ? [step(at, 'confirmed', title, { detail: settlement, facts: proof, receiptId })] : []),
    ...(doubt && dispute !== null
      ? [step(at, 'disputed', 'It is held against the recipient', { detail: dispute.replaceAll('_', ' '), receiptId })]
      : []),
    ...(doubt && dispute === null ? [step(at, 'undisputed', 'Nothing is held against the recipient any more', { receiptId })] : []),
    ...(isSame(refunded, before?.refunded)
      ? []
      : [step(at, 'refunded', 'Money came back', { facts: [['in all', `${refunded} ${currency ?? ''}`.trim()]], receiptId })]),
    ...(before && count > before.count ? [step(at, 'repeated', `It was asked again; ${count} times in all`, { receiptId })] : []),
  ]
}

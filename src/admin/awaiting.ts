/** Payments that wait for people: shown as what they will be, where the ledger has no row of them yet. */
import type { Approval, ApprovalState } from '../approval/approval.ts'
import type { Approvals } from '../approval/approvals.ts'
import type { Code } from '../errors.ts'
import type { Ledger, Page, PageRequest, Payment, PaymentFilter, PaymentState, Terms } from '../ledger/ledger.ts'

export interface AwaitingDeps {
  readonly approvals: Pick<Approvals, 'approvals'>
  readonly ledger: Pick<Ledger, 'payment'> & { readonly approvals: Pick<Ledger['approvals'], 'approvalOfPayment'> }
}

type Awaiting = Extract<PaymentState, 'awaiting_veto' | 'awaiting_approval'>

export function isAwaiting(state: PaymentState | undefined): state is Awaiting {
  return state === 'awaiting_veto' || state === 'awaiting_approval'
}

/** One page of those that wait now, newest first. A page may hold fewer than its limit although another one follows. */
export async function awaitingPayments(
  { state, session, agent, ...filter }: PaymentFilter & { readonly state: Awaiting },
  page: PageRequest,
  { approvals, ledger }: AwaitingDeps,
): Promise<Page<Payment>> {
  const kind = state === 'awaiting_veto' ? 'veto' : 'approval'
  const asked = { state: 'pending', kind, ...(session !== undefined && { session }), ...(agent !== undefined && { agent }) } as const
  const { items, next } = await approvals.approvals(asked, page)
  const payments = await Promise.all(items.map(async (one) => waiting(one, await ledger.payment(one.paymentId))))
  return { items: payments.filter((payment) => fits(payment, filter)), next }
}

/** The payment of this id: as the ledger has it, or as what people are asked about. */
export async function paymentOrAwaiting(id: string, { ledger }: Pick<AwaitingDeps, 'ledger'>): Promise<Payment | undefined> {
  const [payment, approval] = [await ledger.payment(id), await ledger.approvals.approvalOfPayment(id)]
  return approval ? waiting(approval, payment) : payment
}

/** Reserved money in a veto window waits for people, whatever else the ledger says of it. */
function waiting(approval: Approval, payment: Payment | undefined): Payment {
  if (!payment) return paymentOf(approval)
  return payment.state === 'reserved' && approval.state === 'pending' ? { ...payment, state: 'awaiting_veto' } : payment
}

const ENDS: Partial<Readonly<Record<ApprovalState, Code>>> = {
  denied: 'approval_denied',
  vetoed: 'vetoed',
  expired: 'approval_expired',
  withdrawn: 'session_closed',
}

function paymentOf(approval: Approval): Payment {
  const { paymentId, state, kind, sessionId, agent, shown, createdAt, decidedAt } = approval
  const { method, url, host, tool, task, justification, tier, reason, policyVersion, categories } = shown
  const code = ENDS[state] ?? null
  return {
    ...{ id: paymentId, purchaseId: null, sessionId, agent, paymentRequestId: '', challengeDigest: '' },
    state: code === null ? (kind === 'veto' ? 'awaiting_veto' : 'awaiting_approval') : 'denied',
    ...{ code, method, url, origin: new URL(url).origin, host, tool, task, user: null, justification },
    ...{ tier, rule: `tiers.${tier}`, reason, policyVersion, wouldBe: null, categories },
    trust: shown.trust === 'verified' || shown.trust === 'known' ? shown.trust : 'unknown',
    ...{ challengedAt: createdAt, decidedAt: createdAt, concludedAt: code === null ? null : decidedAt },
    ...{ terms: termsOf(approval), context: null, count: 1, refunded: 0n, ...NOTHING_YET },
  }
}

const NOTHING_YET = {
  ...{
    delivered: false,
    delivery: null,
    nonce: null,
    replaces: null,
    replacedBy: null,
    validBefore_s: null,
    transaction: null,
    settlement: null,
  },
  ...{ evidence: null, block: null, dispute: null, reservedAt: null, signedAt: null, sentAt: null, deliveredAt: null },
} as const

/** Who pays, and by which version of the protocol, is known when it is reserved. */
function termsOf({ shown }: Approval): Terms {
  const { rail, scheme, network, asset, amountAtomic, amount, currency, payTo, flow } = shown
  return { rail, protocolVersion: 0, scheme, network, asset, amountAtomic, amount, currency, payTo, payer: '', flow }
}

type Further = Omit<PaymentFilter, 'state' | 'session' | 'agent'>

function fits(payment: Payment, { tool, task, recipient, tier, disputed, since, until }: Further): boolean {
  const same = (wanted: string | undefined, ...found: (string | null | undefined)[]) =>
    wanted === undefined || found.some((one) => one?.toLowerCase() === wanted.toLowerCase())
  const exact = (wanted: string | undefined, found: string | null) => wanted === undefined || found === wanted
  const inTime = (since === undefined || payment.decidedAt >= since) && (until === undefined || payment.decidedAt < until)
  return (
    exact(tool, payment.tool) &&
    exact(task, payment.task) &&
    exact(tier, payment.tier) &&
    same(recipient, payment.host, payment.terms?.payTo) &&
    disputed !== true &&
    inTime
  )
}

/**
 * Owner alerts: what happens in this process and owners should know. They are told beside the payment, never on its way:
 * a fault here is logged, and nothing waits for it.
 */
import type { Alert } from '../approval/alert.ts'
import type { Approval } from '../approval/approval.ts'
import { placeShown } from '../approval/text.ts'
import type { Clock } from '../clock.ts'
import type { Ledger, Payment } from '../ledger/ledger.ts'
import { displayAmount, formatAmount } from '../money.ts'
import { MAX_OPEN_ALERTS } from '../people-limits.ts'
import type { Listener } from '../telemetry/audible.ts'
import type { Events } from '../telemetry/events.ts'

export interface OwnerAlertsDeps {
  readonly ledger: Pick<Ledger, 'session' | 'payment'> & { readonly approvals: Pick<Ledger['approvals'], 'approval'> }
  /** Queues it. */
  readonly alert: (alert: Alert) => Promise<unknown>
  readonly clock: Clock
  readonly events: Pick<Events, 'faulted'>
}

export interface OwnerAlerts extends Listener {
  /** Resolves when all that happened until now is told, or was not to be told. */
  settled(): Promise<void>
}

type Told = Omit<Alert, 'owner' | 'at'>

export function createOwnerAlerts(deps: OwnerAlertsDeps): OwnerAlerts {
  const open = new Set<Promise<void>>()
  /** What is told is looked up first, after whoever told it has gone on. */
  const tell = (found: () => Promise<Told | undefined>) => {
    if (open.size >= MAX_OPEN_ALERTS) return
    const telling = tellOwners(found, deps)
      .catch((cause: unknown) => deps.events.faulted('alert of owners', cause))
      .finally(() => open.delete(telling))
    open.add(telling)
  }
  const { ledger } = deps
  return {
    thresholdReached: (session) => tell(async () => thresholdAlert(session)),
    paymentEntered({ paymentId, state }) {
      if (state === 'unknown') tell(async () => withPayment(await ledger.payment(paymentId), unknownAlert))
    },
    exchangeEnded({ code, extra }) {
      if (code !== 'recipient_changed') return
      const paymentId = extra?.paymentId
      if (typeof paymentId === 'string') tell(async () => withPayment(await ledger.payment(paymentId), changedAlert))
    },
    priceDrifted: (drift) => tell(async () => driftAlert(drift)),
    circuitTurned(turn) {
      if (turn.state === 'open') tell(async () => circuitAlert(turn))
    },
    approvalUndelivered: ({ approvalId }) => tell(async () => withApproval(await ledger.approvals.approval(approvalId))),
    async settled() {
      await Promise.all(open)
    },
  }
}

async function tellOwners(found: () => Promise<Told | undefined>, { ledger, alert, clock }: OwnerAlertsDeps): Promise<void> {
  const at = clock.now()
  const told = await found()
  if (!told) return
  const session = told.sessionId === '' ? undefined : await ledger.session(told.sessionId)
  await alert({ ...told, owner: session?.owner ?? '', at })
}

type EventOf<Name extends keyof Listener> = Parameters<Listener[Name]>[0]

function thresholdAlert({ sessionId, agent, percent, spent, held, cap, currency }: EventOf<'thresholdReached'>): Told {
  const shown = (amount: bigint) => displayAmount(amount, currency)
  return {
    ...{ type: 'session.threshold', sessionId, agent },
    sentence: `${agent} has passed ${percent}% of its budget: ${shown(spent + held)} of ${shown(cap)}.`,
    facts: [
      ['Session', sessionId],
      ['Spent', shown(spent)],
      ['Held', shown(held)],
      ['Left', shown(cap - spent - held)],
    ],
    data: { percent, spent: formatAmount(spent), held: formatAmount(held), cap: formatAmount(cap), currency },
    topic: `${percent}`,
  }
}

function withPayment(payment: Payment | undefined, make: (payment: Payment) => Told): Told | undefined {
  return payment && make(payment)
}

function unknownAlert(payment: Payment): Told {
  const { id: paymentId, sessionId, agent, host } = payment
  return {
    ...{ type: 'payment.outcome_unknown', sessionId, agent },
    sentence: `Nobody knows yet whether ${agent} paid ${amountOf(payment)} to ${placeOf(payment)}. It counts as held; Purser goes on asking.`,
    facts: [...factsOf(payment), ['What happened', payment.settlement ?? payment.reason]],
    data: dataOf(payment),
    topic: JSON.stringify([host, paymentId]),
  }
}

function changedAlert(payment: Payment): Told {
  const { sessionId, agent, host, reason, terms } = payment
  return {
    ...{ type: 'recipient.changed', sessionId, agent },
    sentence: `${placeOf(payment)} asks to be paid at another address than before. ${agent} was refused; nothing was paid.`,
    facts: [...factsOf(payment), ['Why', reason]],
    data: dataOf(payment),
    topic: JSON.stringify([host, terms?.payTo]),
  }
}

function driftAlert({ sessionId, agent, host, kind, consequence, sentence }: EventOf<'priceDrifted'>): Told {
  const then = { report: 'It was let through.', escalate: 'People are asked.', deny: 'It was refused.' }[consequence]
  return {
    ...{ type: 'price.drifted', sessionId, agent },
    sentence: `Prices at ${host} have changed for ${agent}. ${sentence} ${then}`,
    facts: [
      ['Host', host],
      ['Session', sessionId],
    ],
    data: { host, kind, consequence },
    topic: JSON.stringify([host, kind]),
  }
}

function circuitAlert({ host }: EventOf<'circuitTurned'>): Told {
  return {
    ...{ type: 'circuit.opened', sessionId: '', agent: '' },
    sentence: `Payments to ${host} are paused after failures. Purser tries one again soon.`,
    facts: [['Host', host]],
    data: { host },
    topic: host,
  }
}

function withApproval(approval: Approval | undefined): Told | undefined {
  if (!approval) return undefined
  const { id, sessionId, agent, kind, shown } = approval
  const what = `${displayAmount(shown.amount, shown.currency)} to ${placeShown(shown)} for ${agent}`
  return {
    ...{ type: 'approval.undelivered', sessionId, agent },
    sentence: `Nobody could be told of ${kind === 'veto' ? 'the veto window' : 'the question'} about ${what}.`,
    facts: [
      ['Approval', id],
      ['Session', sessionId],
      ['Look at it', `purser approvals show ${id}`],
    ],
    data: { approvalId: id, kind },
    topic: id,
  }
}

function amountOf({ terms }: Payment): string {
  return terms ? displayAmount(terms.amount, terms.currency) : 'an amount that is not known'
}

function placeOf({ url, host, terms }: Payment): string {
  return placeShown({ url, host, payTo: terms?.payTo ?? '' })
}

function factsOf(payment: Payment): (readonly [string, string])[] {
  const { id, sessionId, host, terms } = payment
  return [
    ['Amount', amountOf(payment)],
    ['Host', host],
    ...(terms ? [['Recipient', terms.payTo] as const] : []),
    ['Session', sessionId],
    ['Payment', id],
  ]
}

function dataOf({ id: paymentId, host, tier, terms }: Payment): Readonly<Record<string, unknown>> {
  const { amount, currency, network, payTo } = terms ?? {}
  return {
    ...{ paymentId, host, tier, amount: amount === undefined ? null : formatAmount(amount), currency: currency ?? null },
    ...{ network: network ?? null, recipient: payTo ?? null },
  }
}

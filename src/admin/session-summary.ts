/** What became of a session's money: told when it is closed. */

import { z } from '@hono/zod-openapi'
import { movedBy } from '../channel-terms.ts'
import type { Ledger, Payment, PaymentState } from '../ledger/ledger.ts'
import { MAX_SUMMARY_RECIPIENTS } from '../limits.ts'
import { formatAmount } from '../money.ts'
import { remainingOf, type Session } from '../session/session.ts'
import { walkPages } from './pages.ts'

const Sum = z.object({ count: z.int(), amount: z.string() })

export const SummaryView = z
  .object({
    /** What the session was allowed and never spent: nobody can spend it any more. What is held may still be freed later. */
    freed: z.string(),
    payments: z.object({ settled: Sum, unknown: Sum, expired: Sum, void: Sum, denied: Sum, open: Sum }),
    /** Settled payments and those that may still settle. Beyond a bound, further recipients are summed in the last row. */
    byRecipient: z.array(Sum.extend({ recipient: z.string(), host: z.string() })),
  })
  .openapi('SessionSummary')
export type SummaryView = z.infer<typeof SummaryView>

type Outcome = keyof SummaryView['payments']

/** What people call the states of a payment. */
export const OUTCOME = {
  denied: 'denied',
  awaiting_veto: 'open',
  awaiting_approval: 'open',
  reserved: 'open',
  signed: 'open',
  sent: 'open',
  settled: 'settled',
  void: 'void',
  unknown: 'unknown',
  expired: 'expired',
} as const satisfies Record<PaymentState, Outcome>

interface Tally {
  count: number
  amount: bigint
}

interface RecipientTally extends Tally {
  readonly recipient: string
  readonly host: string
}

/** Adds up all payments of one session that has ended, a page at a time. */
export async function summarize(ledger: Pick<Ledger, 'payments'>, ended: Session): Promise<SummaryView> {
  const session = ended.id
  const outcomes: Record<Outcome, Tally> = { settled: none(), unknown: none(), expired: none(), void: none(), denied: none(), open: none() }
  const recipients = new Map<string, RecipientTally>()
  for await (const payment of await walkPages((page) => ledger.payments({ session }, page))) {
    const outcome = OUTCOME[payment.state]
    add(outcomes[outcome], payment)
    if (outcome !== 'void' && outcome !== 'denied') add(tallyFor(payment, recipients), payment)
  }
  const { settled, unknown, expired, void: voided, denied, open } = outcomes
  return {
    freed: formatAmount(remainingOf(ended)),
    payments: {
      settled: sum(settled),
      unknown: sum(unknown),
      expired: sum(expired),
      void: sum(voided),
      denied: sum(denied),
      open: sum(open),
    },
    byRecipient: [...recipients.values()].map(({ recipient, host, ...tally }) => ({ recipient, host, ...sum(tally) })),
  }
}

const none = (): Tally => ({ count: 0, amount: 0n })

/** A refusal that was repeated counts as often as it was asked, its amount once. */
function add(tally: Tally, { terms, count }: Payment): void {
  tally.count += count
  tally.amount += terms ? movedBy(terms) : 0n
}

function tallyFor({ terms, host }: Payment, recipients: Map<string, RecipientTally>): RecipientTally {
  const full = recipients.size >= MAX_SUMMARY_RECIPIENTS
  const named = { recipient: terms?.payTo ?? '', host }
  const key = JSON.stringify([named.recipient, host])
  const known = recipients.get(key)
  if (known) return known
  if (full) return remember(recipients, { key: 'further', recipient: 'further recipients', host: '' })
  return remember(recipients, { key, ...named })
}

function remember(
  recipients: Map<string, RecipientTally>,
  { key, ...names }: { key: string; recipient: string; host: string },
): RecipientTally {
  const tally = recipients.get(key) ?? { ...names, ...none() }
  recipients.set(key, tally)
  return tally
}

function sum({ count, amount }: Tally): z.infer<typeof Sum> {
  return { count, amount: formatAmount(amount) }
}

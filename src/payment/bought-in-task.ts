/** What a task has bought so far: each refusal tells it, so that an agent can keep, finish or undo partial work. */
import { movedBy } from '../channel-terms.ts'
import type { BoughtInTask } from '../errors.ts'
import type { Ledger, Payment, PaymentState } from '../ledger/ledger.ts'
import { MAX_SHOWN_RESOURCE_CHARS, MAX_TASK_LATEST, MAX_TASK_PAYMENTS } from '../limits.ts'
import type { Session } from '../session/session.ts'

/** Money that moved, or may have. */
const BOUGHT: readonly PaymentState[] = ['signed', 'sent', 'unknown', 'settled', 'expired']

/**
 * Count and sum of what this task of the session has bought, and the newest of it. Beyond `MAX_TASK_PAYMENTS` the sum is
 * that of the newest ones, and says of how many.
 * @throws PurserError `ledger_unavailable`.
 */
export async function boughtInTask(
  ledger: Pick<Ledger, 'payments' | 'countInTask'>,
  session: Pick<Session, 'id' | 'currency'>,
  task: string,
): Promise<BoughtInTask> {
  const { bought, count } = await newest(ledger, { session: session.id, task })
  return {
    count,
    amount: bought.reduce((sum, { terms }) => sum + (terms ? movedBy(terms) : 0n), 0n),
    currency: session.currency,
    ...(bought.length < count && { amountOf: bought.length }),
    latest: bought.slice(0, MAX_TASK_LATEST).map(shown),
    url: `http://purser.internal/v1/session/payments?task=${encodeURIComponent(task)}`,
  }
}

/** Newest first. Refusals have records too: where those are many, they must not hide what was bought before them. */
async function newest(
  ledger: Pick<Ledger, 'payments' | 'countInTask'>,
  filter: { readonly session: string; readonly task: string },
): Promise<{ bought: readonly Payment[]; count: number }> {
  const page = { limit: MAX_TASK_PAYMENTS }
  const { items, next } = await ledger.payments(filter, page)
  if (next === null) {
    const bought = items.filter(({ state }) => BOUGHT.includes(state))
    return { bought, count: bought.length }
  }
  const [count, ...pages] = await Promise.all([
    ledger.countInTask(filter.session, filter.task),
    ...BOUGHT.map((state) => ledger.payments({ ...filter, state }, page)),
  ])
  const bought = pages.flatMap((one) => one.items).sort((a, b) => b.decidedAt - a.decidedAt)
  return { bought: bought.slice(0, MAX_TASK_PAYMENTS), count: Math.max(count, bought.length) }
}

function shown({ id, url, terms, state, delivered }: Payment): BoughtInTask['latest'][number] {
  return { paymentId: id, resource: resourceOf(url), amount: terms?.amount ?? 0n, state, delivered }
}

/** Without the query, which may be long and may hold what the agent keeps to itself. */
function resourceOf(url: string): string {
  const [resource = ''] = url.split(/[?#]/, 1)
  return resource.slice(0, MAX_SHOWN_RESOURCE_CHARS)
}

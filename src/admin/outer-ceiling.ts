/** A session's cap beside what the chain lets it spend: more than its wallet holds nobody takes, whatever the cap says. */
import type { z } from '@hono/zod-openapi'
import { displayAmount, formatAmount } from '../money.ts'
import { remainingOf, type Session } from '../session/session.ts'
import type { OuterCeilingView, SessionView } from './views.ts'

/** @param free millionths of the session's currency that its wallet has free */
export function outerCeilingView(
  session: Pick<Session, 'cap' | 'spent' | 'held' | 'currency'>,
  { free, state }: { readonly free: bigint; readonly state: SessionView['state'] },
): z.infer<typeof OuterCeilingView> {
  const remaining = remainingOf(session)
  const short = state === 'open' && remaining > free
  const show = (amount: bigint) => displayAmount(amount, session.currency)
  return {
    free: formatAmount(free),
    warning: short
      ? `The wallet has ${show(free)} free, less than the ${show(remaining)} that remain of this session: beyond it the chain pays nothing. Pay more into the wallet, or expect refusals (wallet_insufficient).`
      : null,
  }
}

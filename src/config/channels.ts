/** Payment channels: how much may lie in them. Absent: nothing is paid through channels. */
import { MAX_WITHDRAW_DELAY_S, MIN_WITHDRAW_DELAY_S } from '../channel-limits.ts'
import { amount, positiveDuration, section } from '../session/values.ts'

const some = amount.refine((millionths) => millionths > 0n, { error: 'must be more than nothing' })

export const channelsSchema = section({
  deposit: some.meta({ description: 'What is deposited at a time, in the currency of the session.' }),
  maxDeposit: some.meta({ description: 'What may lie in one channel.' }),
  maxWithdrawDelay: positiveDuration
    .refine((span_ms) => span_ms >= MIN_WITHDRAW_DELAY_S * 1000 && span_ms <= MAX_WITHDRAW_DELAY_S * 1000, {
      error: 'the escrow takes 15m to 30d',
    })
    .prefault('1d')
    .meta({ description: 'How long a recipient may keep what is asked back.' }),
})
  .refine(({ deposit, maxDeposit }) => deposit <= maxDeposit, { error: 'must be deposit or more', path: ['maxDeposit'] })
  .transform(({ maxWithdrawDelay, ...bounds }) => ({ bounds, maxWithdrawDelay_s: Math.floor(maxWithdrawDelay / 1000) }))
  .nullable()

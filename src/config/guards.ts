/** What stops recipients that take money and fail, and agents that retry without thinking. Null turns one off. */
import { z } from 'zod'
import { positiveDuration, section } from '../session/values.ts'

const whole = (least: number, most: number) =>
  z
    .int({ error: 'write a whole number' })
    .min(least, { error: `${least} to ${most}` })
    .max(most, { error: `${least} to ${most}` })

/** More outcomes than `MAX_CIRCUIT_OUTCOMES` are not kept, so that more could never come together. */
export const circuitBreakerSchema = section({
  errorRate: whole(1, 100).default(50).meta({ description: 'Percent of the paid requests within the window.' }),
  minimum: whole(1, 100).default(20),
  window: positiveDuration.prefault('5m'),
  cooldown: positiveDuration.prefault('1m'),
})
  .transform(({ window, cooldown, ...rule }) => ({ ...rule, window_ms: window, cooldown_ms: cooldown }))
  .nullable()

export const loopGuardSchema = section({ after: whole(2, 1_000).default(20), within: positiveDuration.prefault('10m') })
  .transform(({ after, within }) => ({ after, within_ms: within }))
  .nullable()

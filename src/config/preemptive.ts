/** Paying with the first attempt where a route is known to charge. Off unless it is written down. */
import { z } from 'zod'
import { MAX_RECURRENCES } from '../preemptive-limits.ts'
import { hostPattern, listOf, positiveDuration, section } from '../session/values.ts'

export const preemptiveSchema = section({
  after: z
    .int({ error: 'write a whole number' })
    .min(2, { error: `2 to ${MAX_RECURRENCES}` })
    .max(MAX_RECURRENCES, { error: `2 to ${MAX_RECURRENCES}` })
    .default(5)
    .meta({ description: 'So many payments in a row on the same terms make a route known to charge.' }),
  termsFor: positiveDuration.prefault('5m'),
  hosts: listOf(hostPattern).default(['*']),
})
  .transform(({ termsFor, ...rule }) => ({ ...rule, terms_ms: termsFor }))
  .nullable()

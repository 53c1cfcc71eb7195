/** Hours as operators write them in a tier: a text, a map, or a list of both; any of them is enough. */
import { z } from 'zod'
import { MAX_HOURS } from '../limits.ts'
import { section, wanted } from '../session/values.ts'
import { canonicalHours, DAYS, HoursError } from './hours.ts'

const HINT = 'write hours like "Mon-Fri 08:00-18:00 Europe/Berlin"'

const word = (hint: string) => z.string({ error: wanted(hint) })

const text = word(HINT)
const map = section({
  days: z
    .union([word('write days like Mon-Fri'), z.array(z.enum(DAYS, { error: `write ${DAYS.join(', ')}` })).min(1, { error: 'name a day' })])
    .exactOptional(),
  from: word('write a time like "08:00"'),
  to: word('write a time like "18:00"'),
  timezone: word('write UTC or a name like Europe/Berlin'),
}).transform(({ days, from, to, timezone }) => {
  const named = typeof days === 'string' ? days : days?.join(',')
  return `${named === undefined ? '' : `${named} `}${from}-${to} ${timezone}`
})

const span = z.union([text, map], { error: HINT }).transform((written, context) => {
  try {
    return canonicalHours(written)
  } catch (fault) {
    if (!(fault instanceof HoursError)) throw fault
    context.addIssue(fault.message)
    return z.NEVER
  }
})

export const hoursSchema = z
  .union([span.transform((one) => [one]), z.array(span)], { error: HINT })
  .refine((spans) => spans.length <= MAX_HOURS, { error: `at most ${MAX_HOURS} spans` })
  .meta({ description: 'Spans of hours like "Mon-Fri 08:00-18:00 Europe/Berlin"; one of them is enough.' })

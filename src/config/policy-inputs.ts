/** What informs the policy beyond its tiers: lists of blocked addresses, drifting prices, and a facilitator's list of resources. */
import { z } from 'zod'
import { MAX_BLOCKED_FILES, MIN_DISCOVERY_REFRESH_MS } from '../limits.ts'
import { oneOf } from '../policy/tiers.ts'
import { amount, duration, positiveDuration, section } from '../session/values.ts'
import { filePath, hookUrl } from './places.ts'

/** Paths of text files with one address a line. */
export function blockedFilesSchema(folder: string) {
  return z
    .array(filePath(folder), { error: 'write a list of paths' })
    .max(MAX_BLOCKED_FILES, { error: `at most ${MAX_BLOCKED_FILES} files` })
}

const factor = amount
  .refine((millionths) => millionths > 1_000_000n, { error: 'must be more than 1' })
  .meta({ description: 'A number above 1, like "1.5": more than so many times the usual price is a drift.' })

/** Null where prices are not compared. */
export const priceDriftSchema = section({
  factor: factor.prefault('2.00'),
  over: positiveDuration.prefault('30d'),
  on: oneOf('report', 'escalate', 'deny').default('report'),
})
  .transform(({ over, ...rule }) => ({ ...rule, over_ms: over }))
  .nullable()

/** Null where nobody is asked. */
export const discoverySchema = section({
  url: hookUrl,
  refresh: duration
    .refine((span_ms) => span_ms >= MIN_DISCOVERY_REFRESH_MS, { error: `at least ${MIN_DISCOVERY_REFRESH_MS / 1000}s` })
    .prefault('10m'),
})
  .transform(({ url, refresh }) => ({ url, refresh_ms: refresh }))
  .nullable()

/** What the command and its workers tell each other. */
import { z } from 'zod'

const scope = { adapter: z.enum(['sqlite', 'postgres']).optional(), control: z.string().optional() }
const share = z.object({ ...scope, kind: z.literal('share'), from: z.int(), histories: z.int(), step: z.int() })

export const jobSchema = z.discriminatedUnion('kind', [share, z.object({ ...scope, kind: z.literal('explain'), seed: z.int() })])
export type Job = z.infer<typeof jobSchema>
export type Share = z.infer<typeof share>

export const reportSchema = z.object({
  histories: z.int(),
  steps: z.int(),
  signed: z.int(),
  /** Of all histories of the share. */
  digest: z.string(),
  /** The first seed of this share that broke an invariant. */
  found: z.object({ seed: z.int(), message: z.string() }).nullable(),
})
export type Report = z.infer<typeof reportSchema>

/** What every alert shows to people: labels and values in words, cleaned. */
import * as z from 'zod'

export const factsSchema = z.array(z.strictObject({ label: z.string(), value: z.string() })).describe('for people; cleaned')

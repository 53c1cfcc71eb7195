/** Payments by Permit2. Absent means no: an allowance is set by the operator's own command, and nobody else brings one. */
import { z } from 'zod'
import { section } from '../session/values.ts'

export const permit2Schema = section({
  sponsored: z
    .boolean({ error: 'write true or false' })
    .default(false)
    .meta({ description: 'A payment may bring an allowance of exactly its amount, whose gas the facilitator pays.' }),
})

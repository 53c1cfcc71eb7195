/** Whose mandates are taken: issuers with their pinned keys. Null where there are none. */
import type { z } from 'zod'
import { listOf, section, text } from '../session/values.ts'
import { yesOrNo } from './listeners.ts'
import { filePath } from './places.ts'

const name = text(500)

/** `keys`: the path of a JWK set. */
export function mandatesSchema(folder: string) {
  const issuer = section({ issuer: name, keys: filePath(folder), unsafeIgnoreReference: yesOrNo.default(false) })
  return section({ audience: name.default('purser'), issuers: listOf(issuer) })
    .superRefine(({ issuers }, context) => {
      const names = issuers.map((one) => one.issuer)
      for (const [at, one] of names.entries()) {
        if (names.indexOf(one) < at) context.addIssue({ code: 'custom', path: ['issuers', at, 'issuer'], message: 'is listed twice' })
      }
    })
    .nullable()
}

export type MandatesConfig = z.output<ReturnType<typeof mandatesSchema>>

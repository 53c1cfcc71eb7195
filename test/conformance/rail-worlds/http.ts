/** What worlds have in common that buy by plain HTTP. */
import { z } from 'zod'
import type { Shopping } from '../rail-world.ts'

/** Of ours; servers have problems too, without these members. */
const problemSchema = z.object({ code: z.string(), moneyState: z.string() })

/** GET of one path, as many purchases as there are names. */
export function byGet(path: string): Shopping {
  return {
    target: (name) => `${path}?for=${encodeURIComponent(name)}`,
    init: () => ({}),
    read: ({ status, headers }, text) => {
      const refusal =
        headers.get('content-type') === 'application/problem+json' ? problemSchema.safeParse(JSON.parse(text)).data : undefined
      return { status, money: refusal?.moneyState ?? headers.get('purser-money') ?? '', ...(refusal && { code: refusal.code }) }
    },
  }
}

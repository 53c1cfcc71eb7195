/** What a treasury moved for a session, as lines for people. */
import { z } from 'zod'

const Funding = z.looseObject({
  funding: z
    .looseObject({
      state: z.string(),
      asset: z.string(),
      network: z.string(),
      funded: z.string(),
      swept: z.string(),
      moves: z.array(
        z.looseObject({
          ...{ kind: z.string(), state: z.string(), amount: z.string() },
          ...{ transaction: z.string().nullable(), reason: z.string().nullable() },
        }),
      ),
    })
    .optional(),
})

/** None for a session that no treasury keeps. */
export function fundingLines(session: unknown): string[] {
  const { funding } = Funding.parse(session)
  if (!funding) return []
  const { state, asset, network, funded, swept, moves } = funding
  const lines = moves.map((move) => {
    const more = move.transaction ?? move.reason
    return `          ${move.kind.padEnd(5)}  ${move.amount} ${asset}  ${move.state}${more === null ? '' : `  ${more}`}`
  })
  return [`Funding   ${state}: ${funded} ${asset} came, ${swept} ${asset} went back, on ${network}`, ...lines]
}

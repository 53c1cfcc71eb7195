/** The payment channels of a session in words. */
import { z } from 'zod'

const channel = z.looseObject({
  state: z.string(),
  network: z.string(),
  asset: z.string(),
  recipient: z.string(),
  deposited: z.string(),
  charged: z.string(),
  returned: z.string(),
  refused: z.boolean(),
})
const answer = z.looseObject({ channels: z.array(channel).optional() })

/** A line for each; none where the answer has no channels. */
export function channelLines(session: unknown): string[] {
  const { channels = [] } = answer.parse(session)
  return channels.map((one) => `Channel   ${one.recipient} on ${one.network}: ${sumsOf(one)}`)
}

function sumsOf({ state, asset, deposited, charged, returned, refused }: z.infer<typeof channel>): string {
  const sums = `${deposited} ${asset} deposited, ${charged} charged`
  if (state === 'closed') return `${sums}, ${returned} returned`
  if (state !== 'closing') return `${sums}; ${state}`
  const how = refused ? 'after its delay, because the recipient did not give it back' : 'from the recipient'
  return `${sums}; the rest is being claimed back ${how}`
}

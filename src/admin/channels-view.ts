/** The payment channels of a session, for people: what went in, what its recipient charged, what came back. */
import { z } from '@hono/zod-openapi'
import { MAX_SHOWN_CHANNELS } from '../channel-limits.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { type Asset, formatAtomic } from '../money.ts'
import { isoTime } from './views.ts'

const Tokens = z.string().openapi({ example: '0.05', description: 'Decimal amount in tokens' })

export const ChannelView = z
  .object({
    id: z.string().openapi({ description: 'The id that the escrow knows it by' }),
    state: z.enum(['opening', 'open', 'closing', 'closed']),
    network: z.string(),
    asset: z.string(),
    recipient: z.string(),
    deposited: Tokens,
    charged: Tokens.openapi({ description: 'What the recipient says it charged, as far as we signed for it' }),
    returned: Tokens.openapi({ description: 'What came back when it was closed' }),
    refused: z.boolean().openapi({ description: 'The recipient did not give back what is left: it comes back after the channel’s delay' }),
    transaction: z.string().nullable(),
    openedAt: z.iso.datetime(),
    closedAt: z.iso.datetime().nullable(),
  })
  .openapi('Channel')
export type ChannelView = z.infer<typeof ChannelView>

export const Channels = z.object({
  channels: z.array(ChannelView).optional().openapi({ description: 'Newest first; absent where it has none' }),
})

/** Nothing where the session has no channels. */
export async function channelsOf(
  session: string,
  { ledger, assets }: { readonly ledger: Pick<Ledger, 'channels'>; readonly assets: Known },
): Promise<z.infer<typeof Channels>> {
  const { items } = await ledger.channels.channels({ session }, { limit: MAX_SHOWN_CHANNELS })
  return items.length === 0 ? {} : { channels: items.map((channel) => channelView(channel, assets)) }
}

type Known = readonly Pick<Asset, 'address' | 'symbol'>[]
type Channel = Awaited<ReturnType<Ledger['channels']['channels']>>['items'][number]

function channelView(channel: Channel, assets: Known): ChannelView {
  const { id, state, network, receiver, refused, transaction, openedAt, closedAt, decimals } = channel
  const known = assets.find((asset) => asset.address.toLowerCase() === channel.asset.toLowerCase())
  const show = (atomic: bigint) => formatAtomic(atomic, decimals)
  return {
    ...{ id, state, network, asset: known?.symbol ?? channel.asset, recipient: receiver, refused, transaction },
    ...{ deposited: show(channel.deposited), charged: show(channel.charged), returned: show(channel.returned) },
    openedAt: isoTime(openedAt),
    closedAt: closedAt === null ? null : isoTime(closedAt),
  }
}

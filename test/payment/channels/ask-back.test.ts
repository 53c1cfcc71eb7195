import { describe, expect, it } from 'vitest'
import { type AskBackDeps, askBack } from '../../../src/payment/channels/ask-back.ts'
import { configOf } from '../../../src/payment/channels/heard.ts'
import type { ChannelConfig } from '../../../src/wallet/wallet.ts'
import { NETWORK } from '../../testnet/chain.ts'
import { CHANNEL_PRICE } from '../../testnet/channels.ts'
import { askAt, type ClosingRig, startClosingRig } from './closing-rig.ts'

const DEPOSIT = 50_000n

async function asking(rig: ClosingRig) {
  const { channel } = await rig.buy(await rig.open(DEPOSIT))
  await rig.pass()
  const sighting = await rig.escrows.state({ network: NETWORK, channel: configOf(channel) })
  const session = await rig.ledger.session(channel.sessionId)
  if (!session) throw new Error('there is no session')
  return { channel, sighting, session }
}

/** The real server, but for what it offers. */
const offering =
  (change: (offer: Record<string, unknown>) => unknown): AskBackDeps['ask'] =>
  async (...asked) => {
    const answer = await askAt(...asked)
    if (answer.kind === 'failed' || asked[1].set) return answer
    const { status, headers } = answer.answer
    const said = JSON.parse(Buffer.from(headers[headers.indexOf('payment-required') + 1] ?? '', 'base64').toString())
    const changed = { ...said, accepts: said.accepts.map(change) }
    return { kind: 'answer', answer: { status, headers: ['payment-required', Buffer.from(JSON.stringify(changed)).toString('base64')] } }
  }

describe('asking a receiver for what it did not charge', () => {
  it('gets all of it by one voucher of what was charged', async () => {
    await using rig = await startClosingRig()
    const asked = await asking(rig)
    expect(await askBack(rig.deps(), asked)).toMatchObject({ kind: 'given', charged: 2n * CHANNEL_PRICE })
    expect(await rig.chain.balanceOf(rig.payer)).toBe(1_000_000n - 2n * CHANNEL_PRICE)
  })

  it('goes on from the receiver’s sum where our own signature bears it out', async () => {
    await using rig = await startClosingRig()
    const asked = await asking(rig)
    const behind = { ...asked, channel: { ...asked.channel, charged: CHANNEL_PRICE } }
    expect(await askBack(rig.deps(), behind)).toMatchObject({ kind: 'given', charged: 2n * CHANNEL_PRICE, signed: 2n * CHANNEL_PRICE })
  })

  it.each([
    ['another recipient', (offer: Record<string, unknown>) => ({ ...offer, payTo: `0x${'11'.repeat(20)}` })],
    ['another delay', (offer: Record<string, unknown>) => ({ ...offer, extra: { ...(offer.extra as object), withdrawDelay: 901 } })],
    [
      'another authorizer',
      (offer: Record<string, unknown>) => ({
        ...offer,
        extra: { ...(offer.extra as object), receiverAuthorizer: `0x${'11'.repeat(20)}` },
      }),
    ],
    ['another scheme', (offer: Record<string, unknown>) => ({ ...offer, scheme: 'exact' })],
  ])('signs nothing for %s than the channel’s', async (_, change) => {
    await using rig = await startClosingRig()
    const asked = await asking(rig)
    const signed: ChannelConfig[] = []
    const wallet: AskBackDeps['wallet'] = {
      signVoucher: (name, data) => {
        signed.push(data.channel)
        return rig.deps().wallet.signVoucher(name, data)
      },
    }
    expect(await askBack({ ...rig.deps(), wallet, ask: offering(change) }, asked)).toMatchObject({ kind: 'refused' })
    expect(signed).toEqual([])
  })

  it('says in our own words why nothing came of it', async () => {
    await using rig = await startClosingRig()
    const asked = await asking(rig)
    const free: AskBackDeps['ask'] = async () => ({ kind: 'answer', answer: { status: 200, headers: ['x-canary', 'canary'] } })
    expect(await askBack({ ...rig.deps(), ask: free }, asked)).toEqual({
      kind: 'refused',
      reason: 'The receiver does not offer this channel any more.',
    })
    const deaf: AskBackDeps['ask'] = (session, { set: _, ...request }, signal) => askAt(session, request, signal)
    expect(await askBack({ ...rig.deps(), ask: deaf }, asked)).toEqual({
      kind: 'refused',
      reason: 'The receiver answered 402 and gives nothing back.',
    })
  })
})

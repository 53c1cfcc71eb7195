import { describe, expect, it } from 'vitest'
import { CLOSING_RETRY_MS, MAX_ASKS_BACK } from '../../../src/channel-limits.ts'
import type { Channel } from '../../../src/ledger/channels.ts'
import { type CloseDeps, lookIntoClosing } from '../../../src/payment/channels/close.ts'
import { configOf } from '../../../src/payment/channels/heard.ts'
import { NETWORK } from '../../testnet/chain.ts'
import { CHANNEL_PRICE, WITHDRAW_DELAY_S } from '../../testnet/channels.ts'
import { type ClosingRig, FUNDS, startClosingRig } from './closing-rig.ts'

const DEPOSIT = 50_000n
const silent: CloseDeps['ask'] = async () => ({ kind: 'failed', refusal: { code: 'upstream_unreachable', detail: 'It is silent.' } })

/** Looks until it is closed; the chain and the clock move on between two looks. */
async function closeAll(rig: ClosingRig, deps: CloseDeps, pass_s = CLOSING_RETRY_MS / 1000): Promise<Channel> {
  for (let looks = 0; looks < 40; looks++) {
    await rig.pass(pass_s)
    await rig.proveAll()
    const [due] = await rig.ledger.channels.claimClosing(1)
    const closed = due && (await lookIntoClosing(deps, due))
    if (closed) return closed
  }
  throw new Error(`it is not closed: ${rig.told.join('; ')}`)
}

/** What went into the channel is what came back and what is still there, to the unit; budgets and wallet say the same. */
async function expectExact(rig: ClosingRig, { id, deposited, returned }: Channel) {
  const channel = await rig.ledger.channels.channel(id)
  const { balance } = await rig.escrows.state({ network: NETWORK, channel: configOf(channel ?? (undefined as never)) })
  expect(returned + balance).toBe(deposited)
  expect(await rig.chain.balanceOf(rig.payer)).toBe(FUNDS - deposited + returned)
  expect(await rig.balance()).toEqual({ spent: deposited - returned, held: 0n })
}

describe('a channel whose session has ended', () => {
  it('is given back by its receiver, all that was not charged, and the deposit’s receipt says so', async () => {
    await using rig = await startClosingRig()
    let channel = await rig.open(DEPOSIT)
    for (let i = 0; i < 4; i++) channel = (await rig.buy(channel)).channel
    expect(await rig.balance()).toEqual({ spent: DEPOSIT, held: 0n })
    await rig.endSession()
    const closed = await closeAll(rig, rig.deps())
    expect(closed).toMatchObject({ state: 'closed', charged: 5n * CHANNEL_PRICE, returned: DEPOSIT - 5n * CHANNEL_PRICE })
    expect(rig.told).toEqual(['given_back', 'closed'])
    await expectExact(rig, closed)
    const deposit = (await rig.payments()).find(({ terms }) => terms?.method === 'deposit')
    expect(deposit?.refunded).toBe(DEPOSIT - 5n * CHANNEL_PRICE)
    const receipts = await rig.ledger.receipts({ payment: deposit?.id ?? '' }, { limit: 9 })
    expect(JSON.stringify(receipts.items)).toContain('deposited 0.05, charged 0.005, returned 0.045 USDC')
  })

  it('comes back by the payer’s own withdrawal where the receiver does not give it', async () => {
    await using rig = await startClosingRig()
    const { channel } = await rig.buy(await rig.open(DEPOSIT))
    await rig.endSession()
    const closed = await closeAll(rig, rig.deps({ ask: silent }), WITHDRAW_DELAY_S / 4)
    expect(rig.told.filter((line) => !line.includes(' '))).toEqual(['refused', 'withdrawal_begun', 'withdrawal_ending', 'closed'])
    expect(rig.told.filter((line) => line.includes('It is silent.')).length).toBe(1)
    expect(closed).toMatchObject({ id: channel.id, returned: DEPOSIT - 2n * CHANNEL_PRICE, refused: true })
    await expectExact(rig, closed)
  })

  it('is asked of its receiver a few times, and not at once', async () => {
    await using rig = await startClosingRig()
    await rig.open(DEPOSIT)
    await rig.endSession()
    let asked = 0
    const deps = rig.deps({
      ask: async (...request) => {
        asked++
        return silent(...request)
      },
    })
    await closeAll(rig, deps, WITHDRAW_DELAY_S)
    expect(asked).toBe(MAX_ASKS_BACK)
  })

  it('is not believed to have given back what no final block shows', async () => {
    await using rig = await startClosingRig()
    await rig.open(DEPOSIT)
    await rig.endSession()
    const real = rig.deps().ask
    let lies = 0
    const liar: CloseDeps['ask'] = async (session, request, signal) => {
      const answer = await real(session, { ...request, ...(request.set && { set: [] }) }, signal)
      if (!request.set || answer.kind === 'failed') return answer
      lies++
      return { kind: 'answer', answer: { status: 200, headers: ['payment-response', await lieOf(rig)] } }
    }
    const closed = await closeAll(rig, rig.deps({ ask: liar }), WITHDRAW_DELAY_S)
    expect(lies).toBe(1)
    expect(rig.told).toEqual(['given_back', 'refused', 'withdrawal_begun', 'withdrawal_ending', 'closed'])
    await expectExact(rig, closed)
  })

  it('learns what a lost answer charged from its receiver, as far as our own signature bears it out', async () => {
    await using rig = await startClosingRig()
    const { channel, payment } = await rig.buy(await rig.open(DEPOSIT), 'lost')
    expect([channel.charged, channel.signed, payment.state]).toEqual([CHANNEL_PRICE, 2n * CHANNEL_PRICE, 'unknown'])
    await rig.endSession()
    const closed = await closeAll(rig, rig.deps())
    expect(closed).toMatchObject({ charged: 2n * CHANNEL_PRICE, returned: DEPOSIT - 2n * CHANNEL_PRICE })
    await expectExact(rig, closed)
    await rig.proveAll()
    expect(await rig.ledger.payment(payment.id)).toMatchObject({ state: 'settled', evidence: 'confirmed' })
  })

  it('leaves to the receiver what was vouched for where nobody tells whether it was charged', async () => {
    await using rig = await startClosingRig()
    const { payment } = await rig.buy(await rig.open(DEPOSIT), 'lost')
    await rig.endSession()
    const closed = await closeAll(rig, rig.deps({ ask: silent }), WITHDRAW_DELAY_S)
    expect(closed).toMatchObject({ charged: CHANNEL_PRICE, returned: DEPOSIT - 2n * CHANNEL_PRICE })
    await expectExact(rig, closed)
    await rig.proveAll()
    expect(await rig.ledger.payment(payment.id)).toMatchObject({ state: 'expired' })
  })

  it('is closed by nothing before the chain has shown its deposit', async () => {
    await using rig = await startClosingRig()
    await rig.open(DEPOSIT)
    await rig.endSession()
    const [due] = await rig.ledger.channels.claimClosing(1)
    expect(await lookIntoClosing(rig.deps(), due ?? (undefined as never))).toBeUndefined()
    expect(rig.told).toEqual([])
    expect((await rig.ledger.channels.channel(due?.id ?? ''))?.state).toBe('closing')
    await expectExact(rig, await closeAll(rig, rig.deps()))
  })

  it('waits for a payer without gas, and says once how much it lacks', async () => {
    await using rig = await startClosingRig({ wei: 0n })
    await rig.open(DEPOSIT)
    await rig.endSession()
    const deps = rig.deps({ ask: silent })
    const { createClosing } = await import('../../../src/payment/channels/closing.ts')
    const closing = createClosing(deps)
    for (let looks = 0; looks < 8; looks++) {
      await rig.pass(CLOSING_RETRY_MS / 1000)
      await rig.proveAll()
      await closing.round()
    }
    const lacking = rig.told.filter((line) => line.includes('of the coin that pays gas'))
    expect(lacking).toEqual([expect.stringContaining(rig.payer)])
    await rig.chain.rpc('anvil_setBalance', [rig.payer, '0xde0b6b3a7640000'])
    await expectExact(rig, await closeAll(rig, deps, WITHDRAW_DELAY_S))
  })
})

/** A statement of the server's that names a transaction which did something else. */
async function lieOf(rig: ClosingRig): Promise<string> {
  const [channel] = (await rig.ledger.channels.channels({}, { limit: 1 })).items
  const { hash } = (await rig.chain.client.getBlock({ blockTag: 'latest', includeTransactions: true })).transactions[0] ?? {
    hash: `0x${'ab'.repeat(32)}`,
  }
  const extra = { channelState: { channelId: channel?.id } }
  const said = { success: true, network: NETWORK, transaction: hash, amount: `${DEPOSIT}`, extra }
  return Buffer.from(JSON.stringify(said)).toString('base64')
}

import { describe, expect, it } from 'vitest'
import { CHANNEL_LEASE_MS, CLOSING_RETRY_MS, MAX_ASKS_BACK } from '../../../src/channel-limits.ts'
import type { Channel } from '../../../src/ledger/channels.ts'
import { type CloseDeps, lookIntoClosing } from '../../../src/payment/channels/close.ts'
import { createClosing } from '../../../src/payment/channels/closing.ts'
import { configOf } from '../../../src/payment/channels/heard.ts'
import { createClosingMemory } from '../../../src/payment/channels/patience.ts'
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

  it.each([
    ['several deposits', [3_001n, 7_777n, 2_999n], 2],
    ['a deposit that is used up to the last unit', [3_000n], 3],
    ['a deposit whose rest is less than a request', [3_999n], 3],
    ['one unit left', [2_001n], 2],
  ])('comes back to the unit: %s', async (_, deposits, requests) => {
    await using rig = await startClosingRig()
    let channel = await rig.open(deposits[0] ?? 0n)
    for (const deposit of deposits.slice(1)) channel = await rig.fill(channel, deposit)
    for (let bought = deposits.length; bought < requests; bought++) channel = (await rig.buy(channel)).channel
    await rig.endSession()
    const closed = await closeAll(rig, rig.deps())
    const all = deposits.reduce((sum, one) => sum + one, 0n)
    expect(closed).toMatchObject({ deposited: all, returned: all - CHANNEL_PRICE * BigInt(Math.max(requests, deposits.length)) })
    await expectExact(rig, closed)
    const refunded = (await rig.payments()).reduce((sum, payment) => sum + payment.refunded, 0n)
    expect(refunded).toBe(closed.returned)
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

/** The same object, but for these members. */
function withOthers<T extends object>(whole: T, others: Partial<T>): T {
  return new Proxy(whole, {
    get(target, name) {
      const member: unknown = Reflect.get(others, name) ?? Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

/** Every call that changes something, or tells what was changed, ends in a crash twice: once before it, once after it. */
function mortal(deps: CloseDeps): { readonly deps: CloseDeps; readonly deaths: () => number } {
  const calls = new Map<string, number>()
  let deaths = 0
  const dying =
    <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const turn = calls.get(name) ?? 0
      calls.set(name, turn + 1)
      const die = () => {
        deaths++
        throw new Error(`the process died ${turn === 0 ? 'before' : 'after'} ${name}`)
      }
      if (turn === 0) die()
      const result = await call(...args)
      return turn === 1 ? die() : result
    }
  const { channels } = deps.ledger
  const { escrows } = deps
  const mortalChannels = withOthers(channels, {
    tell: dying('tell', (...args: Parameters<typeof channels.tell>) => channels.tell(...args)),
    close: dying('close', (...args: Parameters<typeof channels.close>) => channels.close(...args)),
    putOff: dying('putOff', (...args: Parameters<typeof channels.putOff>) => channels.putOff(...args)),
  })
  const withdraw: typeof escrows.withdraw = (wanted) => {
    const step = wanted.withdrawal.amount === null ? 'ending' : 'beginning'
    const noted = dying(`${step} noted`, wanted.noted)
    return dying(step, () => escrows.withdraw({ ...wanted, noted }))()
  }
  const ask: CloseDeps['ask'] = (...asked) => dying(asked[1].set ? 'refund' : 'question', () => deps.ask(...asked))()
  const ledger = withOthers(deps.ledger, { channels: mortalChannels })
  const mortalEscrows = { ...escrows, state: dying('state', escrows.state), fate: dying('fate', escrows.fate), withdraw }
  return { deps: { ...deps, ledger, escrows: mortalEscrows, ask }, deaths: () => deaths }
}

describe('closing that breaks off anywhere', () => {
  it.each([
    ['given back by the receiver', undefined, 8],
    ['withdrawn by the payer', silent, 14],
  ] as const)('goes on from what is known, and ends as if it had never broken off: %s', async (_, ask, least) => {
    await using rig = await startClosingRig()
    const { channel } = await rig.buy(await rig.open(DEPOSIT))
    await rig.endSession()
    const { deps, deaths } = mortal(rig.deps(ask && { ask }))
    let alive: CloseDeps = deps
    let closed: Channel | undefined
    for (let looks = 0; looks < 80 && closed?.state !== 'closed'; looks++) {
      await rig.pass(CHANNEL_LEASE_MS / 1000 + 1)
      await rig.proveAll()
      const [due] = await rig.ledger.channels.claimClosing(1)
      // A new process remembers nothing but what is written down.
      if (due) await lookIntoClosing(alive, due).catch(() => (alive = { ...deps, memory: createClosingMemory() }))
      closed = await rig.ledger.channels.channel(channel.id)
    }
    expect(deaths()).toBeGreaterThanOrEqual(least)
    expect(closed).toMatchObject({ state: 'closed', returned: DEPOSIT - 2n * CHANNEL_PRICE })
    await expectExact(rig, closed ?? channel)
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

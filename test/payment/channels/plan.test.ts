import { describe, expect, it } from 'vitest'
import type { SendResult } from '../../../src/session/exchange.ts'
import type { SessionLimits } from '../../../src/session/session.ts'
import { type Rig, type RigOptions, startRig, URL_ASKED } from '../rig.ts'
import { asksByChannel, type Brought, brought, charges, LOST, PRICE } from './till.ts'

const BOUNDS = { deposit: 20_000n, maxDeposit: 50_000n }
const honest = (what: Brought) => charges(what, PRICE, what.cumulative)

async function buy(rig: Rig, n: number, { says = honest, changes = {}, extra = {}, ...more }: Buying = {}) {
  const seen: Brought[] = []
  const upstream = (headers: Parameters<typeof brought>[0]) => {
    const what = brought(headers)
    seen.push(what)
    return says(what)
  }
  const request = rig.request({ url: `${URL_ASKED}?n=${n}`, ...more })
  const outcome = await rig.pay(upstream, { request, unpaid: asksByChannel(extra, changes) })
  if (outcome.kind === 'answer') await outcome.delivered({ status: 200, bytes: 5, complete: true })
  return { outcome, seen }
}

interface Buying extends Partial<Parameters<Rig['request']>[0] & object> {
  readonly says?: (what: Brought) => SendResult
  readonly changes?: Record<string, unknown>
  readonly extra?: Record<string, unknown>
}

/** What the first request deposits. */
async function deposited(options: RigOptions, more: Buying = {}): Promise<bigint | undefined> {
  await using rig = await startRig({ channels: BOUNDS, ...options })
  const { seen } = await buy(rig, 1, more)
  return seen[0]?.deposit
}

const limited = (limits: SessionLimits) => ({ session: { limits } })

describe('a deposit', () => {
  it('is what the operator says, or what the request needs where that is more; never what the server would like', async () => {
    expect(await deposited({})).toBe(20_000n)
    const dear = { amount: '30000' }
    expect(await deposited({}, { changes: dear, says: (what) => charges(what, 30_000n, what.cumulative) })).toBe(30_000n)
    expect(await deposited({}, { extra: { minDeposit: '49000' } })).toBe(20_000n)
  })

  it.each([
    ['what the session has left', { session: { cap: 7_000n } }, 7_000n],
    ['what one payment may be', limited({ perPayment: 6_000n }), 6_000n],
    ['what the recipient may get', limited({ perRecipient: { '*': 5_000n } }), 5_000n],
  ])('is cut to %s', async (_, options, amount) => {
    expect(await deposited(options)).toBe(amount)
  })

  it('is cut to what the request allows to be paid', async () => {
    expect(await deposited({}, { hints: { payNever: false, maxAmount: 4_000n } })).toBe(4_000n)
  })

  it('is judged as the whole amount that it is: a tier for small payments does not allow it', async () => {
    const [tier] = (await import('../rig.ts')).TIERS
    if (!tier) throw new Error('no tier')
    const small = { ...tier, conditions: { ...tier.conditions, maxAmount: 10_000n } }
    expect(await deposited({ policy: { tiers: [small] } })).toBeUndefined()
    expect(await deposited({ policy: { tiers: [small] }, channels: { deposit: 10_000n, maxDeposit: 10_000n } })).toBe(10_000n)
  })

  it('whose outcome is unknown lets nothing more be paid there until it is known', async () => {
    let isTaken: boolean | undefined
    const found = { kind: 'settled', evidence: 'confirmed', transaction: `0x${'cd'.repeat(32)}`, block: 7n, reason: 'Seen.' } as const
    await using rig = await startRig({ channels: BOUNDS, chain: () => (isTaken ? found : undefined) })
    await buy(rig, 1, { says: () => LOST })
    expect(await buy(rig, 2)).toMatchObject({ outcome: { refusal: { code: 'purchase_in_progress' } }, seen: [] })
    isTaken = true
    expect(await buy(rig, 3)).toMatchObject({ outcome: { kind: 'answer' }, seen: [{ kind: 'voucher', cumulative: 1_000n }] })
    expect(await rig.balance()).toMatchObject({ spent: 20_000n, held: 0n })
  })

  it('that can never be taken is made anew, by another nonce', async () => {
    let isDead = false
    const found = { kind: 'dead', evidence: 'confirmed', block: 7n, reason: 'Unused.' } as const
    await using rig = await startRig({ channels: BOUNDS, chain: () => (isDead ? found : undefined) })
    const first = await buy(rig, 1, { says: () => LOST })
    isDead = true
    const second = await buy(rig, 2)
    expect(second).toMatchObject({ outcome: { kind: 'answer' }, seen: [{ kind: 'deposit', deposit: 20_000n }] })
    expect(second.seen[0]?.channelId).toBe(first.seen[0]?.channelId)
    expect(await rig.balance()).toMatchObject({ spent: 20_000n, held: 0n })
  })
})

describe('a voucher', () => {
  it('costs what its step of the sum costs: prices below a millionth are rounded once, not each time', async () => {
    await using rig = await startRig({ channels: BOUNDS })
    await buy(rig, 1)
    await buy(rig, 2)
    const { items } = await rig.ledger.payments({}, { limit: 1 })
    expect(items[0]?.terms).toMatchObject({ method: 'voucher', amountAtomic: 1_000n, amount: 1_000n })
  })

  it('is refused while the channel is closed', async () => {
    await using rig = await startRig({ channels: BOUNDS })
    await buy(rig, 1)
    const [channel] = (await rig.ledger.channels.channels({}, { limit: 1 })).items
    if (!channel) throw new Error('no channel')
    await rig.ledger.channels.tell(channel.id, channel.version, { state: 'closing' })
    const detail = expect.stringContaining('is being closed')
    expect(await buy(rig, 2)).toMatchObject({ outcome: { refusal: { code: 'purchase_in_progress', detail } }, seen: [] })
  })
})

import { describe, expect, it } from 'vitest'
import { FUNDING_RESEND_MS, FUNDING_WINDOW_S } from '../../src/funding-limits.ts'
import { authorizationFor, usd } from '../ledger/fixtures.ts'
import { USDC } from './fixtures.ts'
import { fundingRig, STOCK } from './rig.ts'

const CAP = 25_000_000n

describe('the funder', () => {
  it('moves the cap, then what the cap grows by, and takes the rest back', async () => {
    const { open, round, later, ledger, token, treasury, told } = await fundingRig()
    const { id, address } = await open()
    await round()
    await later(4)
    expect(token.balanceOf(address)).toBe(CAP)
    await ledger.topUp(id, { amount: usd(5), extend_ms: 0 })
    await later(4)
    expect(token.balanceOf(address)).toBe(CAP + 5_000_000n)
    await ledger.close(id)
    await later(200, 5)
    expect([token.balanceOf(address), token.balanceOf(treasury.address)]).toEqual([0n, STOCK])
    expect(told).toEqual(['fund 25000000 done', 'topup 5000000 done', 'sweep 30000000 done'])
  })

  it('moves what a refill adds, when it falls due', async () => {
    const { open, round, later, token } = await fundingRig()
    const { address } = await open({ cap: usd(1), refill: { amount: usd(1), every_ms: 60_000, max: usd(2) } })
    await round()
    await later(59)
    expect(token.balanceOf(address)).toBe(1_000_000n)
    await later(4)
    expect(token.balanceOf(address)).toBe(2_000_000n)
    await later(180, 5)
    expect(token.balanceOf(address)).toBe(2_000_000n)
  })

  it('takes back what expired, and moves it out again where the session goes on', async () => {
    const { open, round, later, ledger, token, treasury } = await fundingRig()
    const { id, address } = await open()
    await round()
    await later(3_601, 60)
    await later(300, 5)
    expect([token.balanceOf(address), token.balanceOf(treasury.address)]).toEqual([0n, STOCK])
    await ledger.topUp(id, { amount: usd(1), extend_ms: 600_000 })
    await later(10)
    expect(token.balanceOf(address)).toBe(CAP + 1_000_000n)
  })

  it('sends nothing of what was planned for a session that has ended since', async () => {
    const { open, later, ledger, token, told } = await fundingRig({ stock: 0n })
    const { id } = await open()
    await later(15)
    await ledger.close(id)
    token.pay((await ledger.fundings.fundings(id))[0]?.from ?? '', CAP)
    await later(30)
    expect(token.delivered).toBe(0)
    expect((await ledger.fundings.fundings(id)).map(({ state, reason }) => [state, reason])).toEqual([
      ['failed', 'The session ended before it was sent.'],
    ])
    expect(told).toHaveLength(2)
  })

  it('waits for a treasury that has too little, and says so once', async () => {
    const { open, round, later, token, treasury, told } = await fundingRig({ stock: CAP - 1n })
    const { address } = await open()
    await round()
    await later(60)
    expect(told).toEqual([expect.stringContaining('has too little of USDC on eip155:84532')])
    expect(token.delivered).toBe(0)
    token.pay(treasury.address, 1n)
    await later(15)
    expect(token.balanceOf(address)).toBe(CAP)
  })

  it('an account whose session was never opened gets nothing', async () => {
    const { ledger, later, token, clock } = await fundingRig()
    await ledger.fundings.open({ sessionId: 'ses_none', address: '0x1' }, clock.now())
    await later(1_200, 10)
    expect(token.delivered).toBe(0)
    expect((await ledger.fundings.account('ses_none'))?.dueAt).toBe(Number.MAX_SAFE_INTEGER)
  })
})

describe('what a payment may still take', () => {
  const pay = async ({ ledger, make }: Awaited<ReturnType<typeof fundingRig>>, sessionId: string, payer: string) => {
    const request = make.request(sessionId, usd(4), { terms: { network: USDC.network, asset: USDC, payer } })
    const result = await ledger.reserve(request)
    if (result.kind !== 'reserved') throw new Error(`it is ${result.kind}`)
    await result.reservation.record(authorizationFor(request))
    await result.reservation.leaveUnknown('nobody answered')
    result.reservation.release()
    return request.paymentId
  }

  it('G4: stays where it is until the payment is dead, and is swept with the rest then', async () => {
    const rig = await fundingRig()
    const { open, round, later, ledger, token, treasury } = rig
    const { id, address } = await open()
    await round()
    await later(4)
    const paymentId = await pay(rig, id, address)
    await ledger.close(id)
    await later(1_200, 10)
    expect([token.balanceOf(address), token.used.size]).toEqual([CAP, 1])
    await ledger.resolve(paymentId, { kind: 'dead', evidence: 'confirmed', block: 9n, reason: 'Unused in a final block.' })
    await later(30)
    expect([token.balanceOf(address), token.balanceOf(treasury.address)]).toEqual([0n, STOCK])
  })

  it('G4: stays where it is for a payment of another session, too, that pays from the same address', async () => {
    const rig = await fundingRig()
    const { open, round, later, ledger, token } = rig
    const { id, address } = await open()
    await round()
    await later(4)
    const other = await open({ wallet: id })
    await pay(rig, other.id, address)
    await ledger.close(id)
    await later(600, 10)
    expect(token.balanceOf(address)).toBe(CAP)
  })
})

describe('what was sent', () => {
  it('is done when a final block has it, and seen before', async () => {
    const { open, round, later, ledger, token } = await fundingRig()
    token.finality = 2
    const { id } = await open()
    await round()
    await later(4)
    expect((await ledger.fundings.fundings(id))[0]).toMatchObject({ state: 'sent', transaction: expect.stringMatching(/^0x/) })
    token.mine([])
    token.mine([])
    await later(4)
    expect((await ledger.fundings.fundings(id))[0]).toMatchObject({ state: 'done' })
  })

  it('goes out again as the very same move, and the token takes it once', async () => {
    const { open, round, later, token } = await fundingRig()
    token.lazy = true
    const { address } = await open()
    await round()
    await later((2 * FUNDING_RESEND_MS) / 1000 + 2)
    expect(token.pending.length).toBeGreaterThan(1)
    expect(
      new Set(token.pending.map((move) => JSON.stringify(move, (_, value) => (typeof value === 'bigint' ? `${value}` : value)))).size,
    ).toBe(1)
    token.mine()
    await later(4)
    expect(token.balanceOf(address)).toBe(CAP)
  })

  it('waits for a chain that cannot be asked, says so once, and is not sent again meanwhile', async () => {
    const { open, round, later, ledger, token, told } = await fundingRig()
    token.silence = 'no chain today'
    const { id } = await open()
    await round()
    await later(2 * FUNDING_WINDOW_S, 10)
    expect(told).toEqual([expect.stringContaining('no chain today')])
    expect([token.delivered, (await ledger.fundings.fundings(id)).length]).toEqual([1, 1])
    token.silence = undefined
    await later(20)
    expect((await ledger.fundings.fundings(id)).map(({ state, reason }) => [state, reason])).toEqual([['done', null]])
  })

  it('is given up only when it can never be taken, and then planned anew', async () => {
    const { open, round, later, ledger, token } = await fundingRig()
    token.lazy = true
    const { id, address } = await open()
    await round()
    await later(FUNDING_WINDOW_S - 2, 2)
    expect((await ledger.fundings.fundings(id)).map(({ state }) => state)).toEqual(['sent'])
    await later(10)
    expect((await ledger.fundings.fundings(id)).map(({ state }) => state)).toEqual(['failed', 'sent'])
    token.mine()
    await later(5)
    expect(token.balanceOf(address)).toBe(CAP)
  })
})

describe('whatever dies where', () => {
  const places = Array.from({ length: 14 }, (_, step) => (['before', 'after'] as const).map((when) => [step + 1, when] as const)).flat()

  it.each(places)('G2, G3: a session is funded and swept once where it dies at step %i, just %s it', async (step, when) => {
    const { open, die, later, ledger, token, treasury } = await fundingRig()
    const { id, address } = await open()
    await die(step, when)
    expect(token.balanceOf(address)).toBeLessThanOrEqual(CAP)
    await later(130, 2)
    expect(token.balanceOf(address)).toBe(CAP)
    await ledger.close(id)
    await die(step, when)
    await later(400, 2)
    expect([token.balanceOf(address), token.balanceOf(treasury.address)]).toEqual([0n, STOCK])
    const done = (await ledger.fundings.fundings(id)).filter(({ state }) => state === 'done')
    expect(done.map(({ kind }) => kind)).toEqual(['fund', 'sweep'])
    expect(token.used.size).toBe(2)
  })

  it('what goes out has been in the journal before, as sent, with the nonce that it has', async () => {
    const { open, round, ledger, token } = await fundingRig()
    const { id } = await open()
    const deliver = token.deliver.bind(token)
    const seen: unknown[] = []
    token.deliver = async (move) => {
      const [row] = await ledger.fundings.fundings(id)
      seen.push([row?.state, row?.nonce === move.nonce, row?.amountAtomic === move.value])
      return deliver(move)
    }
    await round()
    expect(seen).toEqual([['sent', true, true]])
  })
})

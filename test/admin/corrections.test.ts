import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { atomicOf } from '../../src/admin/corrections.ts'
import type { Cancelled } from '../../src/admin/deps.ts'
import type { Terms } from '../../src/ledger/ledger.ts'
import { type Answer, buy, deny, expectProblem, type Fixture, startFixture } from './fixture.ts'

const SETTLED = { outcome: 'settled', transaction: `0x${'ab'.repeat(32)}`, evidence: 'seen on the explorer' }

/** A payment whose outcome nobody knows, long after its window. */
async function lost(fixture: Fixture): Promise<string> {
  const { id: sessionId } = await fixture.open({ ttl: '7d' })
  const { id } = await buy(fixture, { sessionId, end: 'unknown' })
  fixture.clock.advance(86_400_000)
  await fixture.ledger.resolve(id, { kind: 'expired', reason: 'Nobody could tell.' })
  return id
}

describe('POST /v1/payments/{id}/resolve', () => {
  it('the first person proposes and changes nothing; a second one, with another token, makes it so', async () => {
    await using fixture = await startFixture()
    const id = await lost(fixture)
    const first = await fixture.ask(`/v1/payments/${id}/resolve`, { body: SETTLED })
    expect([first.status, await first.json()]).toEqual([
      202,
      expect.objectContaining({
        ...SETTLED,
        paymentId: id,
        by: 'admin.token',
        note: expect.stringContaining(`purser payments resolve ${id}`),
      }),
    ])
    expect((await fixture.ledger.payment(id))?.state).toBe('expired')
    const second = await fixture.ask(`/v1/payments/${id}/resolve`, { body: SETTLED, token: await fixture.token('operator') })
    expect([second.status, await second.json()]).toEqual([
      200,
      expect.objectContaining({ id, state: 'settled', evidence: 'operator', transaction: SETTLED.transaction }),
    ])
  })

  it('the same token twice is one person, whoever holds it', async () => {
    await using fixture = await startFixture()
    const id = await lost(fixture)
    const token = await fixture.token('operator')
    for (const evidence of ['first look', 'second look']) {
      expect((await fixture.ask(`/v1/payments/${id}/resolve`, { body: { ...SETTLED, evidence }, token })).status).toBe(202)
    }
    expect((await fixture.ledger.payment(id))?.state).toBe('expired')
  })

  it('two people who disagree change nothing', async () => {
    await using fixture = await startFixture()
    const id = await lost(fixture)
    await fixture.ask(`/v1/payments/${id}/resolve`, { body: SETTLED })
    const body = { outcome: 'void', evidence: 'never used' }
    await expectProblem(await fixture.ask(`/v1/payments/${id}/resolve`, { body, token: await fixture.token('operator') }), 'conflict', 409)
    expect((await fixture.ledger.payment(id))?.state).toBe('expired')
  })

  it('what the chain has confirmed nobody corrects', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const { id } = await buy(fixture, { sessionId })
    const transaction = `0x${'ab'.repeat(32)}`
    await fixture.ledger.resolve(id, { kind: 'settled', evidence: 'confirmed', transaction, block: 7n, reason: 'The chain shows it.' })
    expect(await (await fixture.ask(`/v1/payments/${id}`)).json()).toMatchObject({ evidence: 'confirmed', block: '7' })
    const body = { outcome: 'void', evidence: 'I want it back' }
    await expectProblem(await fixture.ask(`/v1/payments/${id}/resolve`, { body }), 'conflict', 409)
  })

  it.each([
    {},
    { outcome: 'lost', evidence: 'x' },
    { outcome: 'void' },
    { outcome: 'void', evidence: '' },
    { ...SETTLED, transaction: 'a b' },
  ])('refuses %j', async (body) => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const { id } = await buy(fixture, { sessionId, end: 'unknown' })
    await expectProblem(await fixture.ask(`/v1/payments/${id}/resolve`, { body }), 'request_invalid', 400)
  })
})

describe('POST /v1/payments/{id}/refunds', () => {
  it('what came back is tracked, and neither budget nor limits grow by it', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const { id } = await buy(fixture, { sessionId, amount: 2_000_000n })
    const answer = await fixture.ask(`/v1/payments/${id}/refunds`, { body: { amount: '0.50', evidence: 'ticket 12' } })
    expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ id, state: 'settled', refunded: '0.50' })])
    expect(await (await fixture.ask(`/v1/sessions/${sessionId}`)).json()).toMatchObject({ spent: '2.00', remaining: '23.00' })
  })

  it('the same Idempotency-Key enters it once; without one each entry counts', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const { id } = await buy(fixture, { sessionId, amount: 2_000_000n })
    const asked = { body: { amount: '1.50', evidence: 'ticket 12' }, headers: { 'idempotency-key': 'k1' } }
    for (let times = 0; times < 2; times++) {
      const answer: Answer = await (await fixture.ask(`/v1/payments/${id}/refunds`, asked)).json()
      expect(answer.refunded).toBe('1.50')
    }
    const other = { ...asked, body: { ...asked.body, amount: '0.25' } }
    await expectProblem(await fixture.ask(`/v1/payments/${id}/refunds`, other), 'conflict', 409)
    const more: Answer = await (await fixture.ask(`/v1/payments/${id}/refunds`, { body: { amount: '0.25', evidence: 'ticket 13' } })).json()
    expect(more.refunded).toBe('1.75')
  })

  it('no more comes back than was paid, in one entry or in all', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const { id } = await buy(fixture, { sessionId, amount: 2_000_000n })
    const refund = (amount: string) => fixture.ask(`/v1/payments/${id}/refunds`, { body: { amount, evidence: 'x' } })
    expect(await expectProblem(await refund('2.01'), 'request_invalid', 400)).toContain('2.00 USD')
    await refund('1.50')
    await expectProblem(await refund('0.51'), 'conflict', 409)
    expect((await refund('0.50')).status).toBe(200)
  })

  it('a full refund ends the dispute', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const { id, dispute } = await buy(fixture, { sessionId, amount: 2_000_000n })
    expect(dispute).toBe('settled_not_delivered')
    const body = { amount: '2.00', evidence: 'ticket 12' }
    expect(await (await fixture.ask(`/v1/payments/${id}/refunds`, { body })).json()).toMatchObject({ dispute: null, refunded: '2.00' })
  })

  it('nothing comes back for what was refused, and nothing for what is unknown here', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    await deny(fixture, { sessionId })
    const denied = (await fixture.ledger.payments({ state: 'denied' }, { limit: 1 })).items[0]?.id ?? ''
    const body = { amount: '1', evidence: 'x' }
    await expectProblem(await fixture.ask(`/v1/payments/${denied}/refunds`, { body }), 'conflict', 409)
    await expectProblem(await fixture.ask('/v1/payments/pay_none/refunds', { body }), 'not_found', 404)
  })
})

describe('POST /v1/payments/{id}/cancel', () => {
  it('answers how far it came and what happens next', async () => {
    const cancelled: Cancelled = {
      ...{ kind: 'signed', paymentId: 'pay_1', network: 'eip155:84532', transaction: null, note: 'Submit it before 12:02.' },
      call: { chainId: 84532, to: '0x1', data: '0x2' },
    }
    const asked: string[] = []
    const cancel = async (id: string) => {
      asked.push(id)
      return cancelled
    }
    await using fixture = await startFixture({ cancel })
    const answer = await fixture.ask('/v1/payments/pay_1/cancel', { method: 'POST' })
    expect([answer.status, await answer.json(), asked]).toEqual([200, cancelled, ['pay_1']])
  })

  it('what cannot be cancelled any more is a conflict', async () => {
    await using fixture = await startFixture()
    await expectProblem(await fixture.ask('/v1/payments/pay_1/cancel', { method: 'POST' }), 'conflict', 409)
  })
})

describe('atomicOf', () => {
  const terms = (over: Partial<Terms>): { id: string; terms: Terms } => {
    const asset = { symbol: 'T', address: '0x1', decimals: 6 }
    const usual = { rail: 'x402', protocolVersion: 2, scheme: 'exact', network: 'n', asset, payTo: '0x2', payer: '0x3' } as const
    return {
      id: 'pay_1',
      terms: { ...usual, amount: 1_000_000n, amountAtomic: 1_000_000n, currency: 'USD', flow: 'authorization', ...over },
    }
  }

  it('a token with finer units than the currency gives back exactly the amount that was entered', () => {
    const amounts = fc.bigInt({ min: 1n, max: 10n ** 15n })
    fc.assert(
      fc.property(amounts, amounts, fc.bigInt({ min: 1n, max: 10n ** 6n }), (paid, share, scale) => {
        const amountAtomic = paid * scale + 7n
        const back = 1n + (share % paid)
        const atomic = atomicOf(back, terms({ amount: paid, amountAtomic }))
        expect((paid * atomic) / amountAtomic).toBe(back)
        expect(atomic <= amountAtomic).toBe(true)
      }),
    )
  })

  it('a token with coarser units never gives back more than was entered, and less than one unit is refused', () => {
    expect(atomicOf(999_999n, terms({ amount: 2_000_000n, amountAtomic: 4n }))).toBe(1n)
    expect(() => atomicOf(499_999n, terms({ amount: 2_000_000n, amountAtomic: 4n }))).toThrow('less than one unit')
  })
})

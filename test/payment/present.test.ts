import { describe, expect, it } from 'vitest'
import { refused } from '../../src/errors.ts'
import { answer, COMPLETE, cut, settled, startRig } from './rig.ts'

describe('presenting a payment', () => {
  it('is called off when the window would close before an answer, and the money is freed', async () => {
    await using rig = await startRig()
    const record = rig.ledger.reserve.bind(rig.ledger)
    rig.ledger.reserve = async (request) => {
      const result = await record(request)
      if (result.kind !== 'reserved') return result
      const { reservation } = result
      const journal = reservation.record.bind(reservation)
      reservation.record = async (authorization) => {
        await journal(authorization)
        rig.clock.advance(55_000)
      }
      return result
    }
    const outcome = await rig.pay(() => settled())
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { moneyState: 'none' } })
    expect(rig.sent).toEqual([])
    expect(await rig.balance()).toMatchObject({ held: 0n, spent: 0n })
  })

  it('R5: the window is measured by the monotonic clock: a wall clock that steps back keeps nothing open', async () => {
    await using rig = await startRig()
    const reserve = rig.ledger.reserve.bind(rig.ledger)
    rig.ledger.reserve = async (request) => {
      const result = await reserve(request)
      if (result.kind !== 'reserved') return result
      const { reservation } = result
      const journal = reservation.record.bind(reservation)
      reservation.record = async (authorization) => {
        await journal(authorization)
        rig.clock.advance(55_000)
        const stepped = rig.clock.now() - 3_600_000
        rig.clock.now = () => stepped
      }
      return result
    }
    expect(await rig.pay(() => settled())).toMatchObject({ kind: 'refuse', refusal: { moneyState: 'none' } })
    expect(rig.sent).toEqual([])
  })

  it('keeps the purchase until the agent has its answer; a complete 2xx ends it', async () => {
    await using rig = await startRig()
    const outcome = await rig.pay(() => settled())
    if (outcome.kind !== 'answer') throw new Error('no answer')
    await outcome.delivered(COMPLETE)
    await rig.deps.inFlight.idle()
    const [payment] = (await rig.ledger.payments({}, { limit: 1 })).items
    expect(payment).toMatchObject({ delivered: true, delivery: COMPLETE })
  })

  it.each([
    ['was broken off', cut, { status: 200, bytes: 1, complete: false }],
    ['is not a 2xx', () => answer(500), { status: 500, bytes: 5, complete: true }],
  ])('an answer that %s leaves the purchase open: the repeat presents the same payment', async (_name, upstream, delivery) => {
    await using rig = await startRig()
    const outcome = await rig.pay(upstream)
    if (outcome.kind !== 'answer') throw new Error('no answer')
    await outcome.delivered(delivery)
    await rig.pay(() => settled())
    expect(rig.sent[1]).toEqual(rig.sent[0])
    expect(await rig.balance()).toMatchObject({ spent: 1_000n })
  })

  it('a flow that throws while sending lets go of the purchase and keeps the money held', async () => {
    await using rig = await startRig()
    const outcome = await rig.pay(() => Promise.reject(new Error('the socket layer broke')))
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'internal_error', moneyState: 'unknown' } })
    await rig.deps.inFlight.idle()
    expect(await rig.balance()).toMatchObject({ held: 1_000n })
    expect((await rig.ledger.receipts({}, { limit: 10 })).items).toMatchObject([{ kind: 'conclusion', state: 'unknown' }])
    await rig.pay(() => answer(500))
    expect((await rig.ledger.payments({}, { limit: 10 })).items).toHaveLength(1)
    expect(await rig.balance()).toMatchObject({ held: 1_000n })
  })

  it.each([
    [
      'hands what was paid for on, with what the server said',
      () => settled(),
      { kind: 'answer', headers: expect.arrayContaining(['Purser-Money', 'moved']) },
    ],
    [
      'hands what may be paid for on',
      () => answer(200),
      { kind: 'answer', headers: ['Purser-Payment', expect.any(String), 'Purser-Money', 'unknown'] },
    ],
    [
      'does not say that no money moved',
      () => answer(402),
      { kind: 'refuse', refusal: { code: 'ledger_unavailable', moneyState: 'unknown' } },
    ],
  ])('a ledger that can be neither read nor written after the payment left %s', async (_name, upstream, expected) => {
    await using rig = await startRig()
    let left = false
    const reserve = rig.ledger.reserve.bind(rig.ledger)
    rig.ledger.reserve = async (request) => {
      const result = await reserve(request)
      if (result.kind !== 'reserved') return result
      const { reservation } = result
      const payment = reservation.payment.bind(reservation)
      const gone = () => Promise.reject(refused('ledger_unavailable', 'The disk is gone.'))
      reservation.payment = () => (left ? gone() : payment())
      reservation.post = gone
      reservation.leaveUnknown = gone
      return result
    }
    const outcome = await rig.pay(() => {
      left = true
      return upstream()
    })
    expect(outcome).toMatchObject(expected)
    expect(await rig.balance()).toMatchObject({ held: 1_000n })
  })

  it('an answer that is paid for waits until the conclusion is on the disk: whoever asks again at once is told of it', async () => {
    await using rig = await startRig()
    const posting = Promise.withResolvers<void>()
    const disk = Promise.withResolvers<void>()
    const reserve = rig.ledger.reserve.bind(rig.ledger)
    rig.ledger.reserve = async (request) => {
      const result = await reserve(request)
      if (result.kind !== 'reserved') return result
      const { reservation } = result
      const post = reservation.post.bind(reservation)
      reservation.post = async (settlement) => {
        await post(settlement)
        posting.resolve()
        await disk.promise
      }
      return result
    }
    let handedOn = false
    const paying = rig
      .pay(() => settled())
      .then((outcome) => {
        handedOn = true
        return outcome
      })
    await posting.promise
    await new Promise(setImmediate)
    expect(handedOn).toBe(false)
    disk.resolve()
    const outcome = await paying
    if (outcome.kind !== 'answer') throw new Error('no answer')
    expect(outcome.headers).toEqual(expect.arrayContaining(['Purser-Money', 'moved', 'Purser-Remaining', '0.999 USD']))
    expect((await outcome.answer.body.toArray()).toString()).toBe('goods')
  })
})

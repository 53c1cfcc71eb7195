import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { refused } from '../../src/errors.ts'
import { headerValue } from '../../src/http.ts'
import { MAX_KEPT_ANSWER_BYTES } from '../../src/limits.ts'
import type { PaidAnswer, PaidRequest, PaymentOutcome, SendResult } from '../../src/session/exchange.ts'
import { answer, COMPLETE, type Rig, settleDown, settled, startRig } from './rig.ts'

const BROKEN = { status: 200, bytes: 1, complete: false } as const
const KEYED = ['Idempotency-Key', 'order-1']

function paid(outcome: PaymentOutcome): PaidAnswer {
  if (outcome.kind !== 'answer') throw new Error(`no answer: ${JSON.stringify(outcome, (_, value) => String(value))}`)
  return outcome
}

/** The agent reads all of it. */
async function take(outcome: PaymentOutcome): Promise<string> {
  const { answer: got, delivered } = paid(outcome)
  const body = await text(got.body)
  await delivered(COMPLETE)
  return body
}

/** The agent goes away in the middle. */
async function leave(outcome: PaymentOutcome): Promise<void> {
  const { answer: got, delivered } = paid(outcome)
  got.body.destroy()
  await delivered(BROKEN)
}

const notAgain = (): SendResult => {
  throw new Error('the payment was presented again')
}
const buy = (rig: Rig, changes: Partial<PaidRequest> = {}, upstream: () => SendResult = () => settled()) =>
  rig.pay(upstream, { request: rig.request(changes) })

describe('delivering what was paid for', () => {
  it('R2: an agent that went away in the middle gets the stored answer, and nothing is presented again', async () => {
    await using rig = await startRig()
    await leave(await buy(rig))
    const again = await buy(rig, {}, notAgain)
    expect(headerValue(paid(again).headers, 'purser-money')).toBe('moved')
    expect(headerValue(paid(again).answer.headers, 'payment-response')).toBeDefined()
    expect(await take(again)).toBe('goods')
    const [payment] = (await rig.ledger.payments({}, { limit: 10 })).items
    expect(payment).toMatchObject({ delivered: true, state: 'settled' })
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, payments: 1 })
  })

  it('R1: once it was delivered the purchase is over: the next request buys anew', async () => {
    await using rig = await startRig()
    await leave(await buy(rig))
    await take(await buy(rig, {}, notAgain))
    await take(await buy(rig))
    expect(await rig.balance()).toMatchObject({ spent: 2_000n, payments: 2 })
  })

  it('R2: a keyed purchase is answered again from the store for as long as its key lives, and paid once', async () => {
    await using rig = await startRig({ session: { expiresAt: Number.MAX_SAFE_INTEGER } })
    await take(await buy(rig, { headers: KEYED }))
    const receipts = (await rig.ledger.receipts({}, { limit: 10 })).items
    for (const hours of [1, 22]) {
      rig.clock.advance(hours * 3_600_000)
      expect(await take(await buy(rig, { headers: KEYED }, notAgain))).toBe('goods')
    }
    expect((await rig.ledger.receipts({}, { limit: 10 })).items).toEqual(receipts)
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, payments: 1 })
    rig.clock.advance(3_600_000)
    await take(await buy(rig, { headers: KEYED }))
    expect(await rig.balance()).toMatchObject({ spent: 2_000n, payments: 2 })
  })

  it('R1: the same key with another URL is refused, never answered from the store', async () => {
    await using rig = await startRig()
    await take(await buy(rig, { headers: KEYED }))
    const other = await buy(rig, { headers: KEYED, url: 'https://api.example.com/other' })
    expect(other).toMatchObject({ kind: 'refuse', refusal: { code: 'idempotency_key_reused' } })
  })

  it('a stored answer is never another session’s', async () => {
    await using rig = await startRig()
    await leave(await buy(rig, { headers: KEYED }))
    const session = await rig.openSession()
    await take(await buy(rig, { headers: KEYED, session }))
    expect(rig.sent).toHaveLength(2)
    expect(await rig.balance(session.id)).toMatchObject({ spent: 1_000n })
  })

  it.each<[string, () => SendResult]>([
    ['is not a 2xx', () => answer(500)],
    ['is too large', () => answer(200, [], 'x'.repeat(MAX_KEPT_ANSWER_BYTES + 1))],
    [
      'the upstream itself broke off',
      () => {
        const broken = settled()
        if (broken.kind === 'answer') broken.answer.body.destroy()
        return broken
      },
    ],
  ])('what %s is not kept: the repeat presents the same payment', async (_name, upstream) => {
    await using rig = await startRig()
    await leave(await buy(rig, {}, upstream))
    expect(await take(await buy(rig))).toBe('goods')
    expect(rig.sent[1]).toEqual(rig.sent[0])
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, payments: 1 })
  })

  it('a repeat that comes while the rest is still being read waits for it', async () => {
    await using rig = await startRig()
    const gone = new AbortController()
    const slow = new Readable({ read: () => undefined })
    const said = settled()
    if (said.kind !== 'answer') throw new Error('no answer')
    const first = paid(await buy(rig, { signal: gone.signal }, () => ({ ...said, answer: { ...said.answer, body: slow } })))
    slow.push('go')
    gone.abort()
    first.answer.body.destroy()
    const noted = first.delivered(BROKEN)
    const again = buy(rig, {}, notAgain)
    slow.push('ods')
    slow.push(null)
    await noted
    expect(await take(await again)).toBe('goods')
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, payments: 1 })
  })

  it('G3: a connection that is reset right after a whole answer takes the delivery back: the repeat buys nothing', async () => {
    await using rig = await startRig()
    const first = await buy(rig)
    await take(first)
    paid(first).lost?.()
    const again = await buy(rig, {}, notAgain)
    expect(await take(again)).toBe('goods')
    await take(await buy(rig))
    expect(await rig.balance()).toMatchObject({ spent: 2_000n, payments: 2 })
  })

  it('G3: also when the repeat comes before the delivery was written down', async () => {
    await using rig = await startRig()
    const { answer: got, delivered, lost } = paid(await buy(rig))
    await text(got.body)
    const noted = delivered(COMPLETE)
    lost?.()
    const again = buy(rig, {}, notAgain)
    await noted
    expect(await take(await again)).toBe('goods')
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, payments: 1 })
  })

  it('G3: a lost answer that cannot be kept is presented again with the same payment, not bought anew', async () => {
    await using rig = await startRig()
    const first = await buy(rig)
    await take(first)
    rig.ledger.keepAnswer = async () => {
      throw refused('ledger_unavailable', 'The connection was lost.')
    }
    paid(first).lost?.()
    expect(await take(await buy(rig))).toBe('goods')
    expect(rig.sent[1]).toEqual(rig.sent[0])
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, payments: 1 })
  })

  it('G3: a call to the ledger that is lost does not make a lost answer a delivered one', async () => {
    await using rig = await startRig()
    const first = await buy(rig)
    await take(first)
    const { reopen } = rig.ledger
    rig.ledger.reopen = async () => {
      rig.ledger.reopen = reopen
      throw refused('ledger_unavailable', 'The connection was lost.')
    }
    paid(first).lost?.()
    expect(await take(await buy(rig, {}, notAgain))).toBe('goods')
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, payments: 1 })
  })

  it('a stored answer whose agent is lost again stays stored', async () => {
    await using rig = await startRig()
    await leave(await buy(rig))
    for (let time = 0; time < 2; time++) {
      const again = await buy(rig, {}, notAgain)
      await take(again)
      paid(again).lost?.()
    }
    expect(await take(await buy(rig, {}, notAgain))).toBe('goods')
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, payments: 1 })
  })

  it('is kept before its delivery is written down, and both before the purchase is let go', async () => {
    await using rig = await startRig()
    const order: string[] = []
    const { keepAnswer } = rig.ledger
    rig.ledger.keepAnswer = async (...args) => {
      await keepAnswer.apply(rig.ledger, args)
      const [payment] = (await rig.ledger.payments({}, { limit: 1 })).items
      order.push(`kept, delivery ${payment?.delivery === null ? 'open' : 'noted'}`)
    }
    const outcome = await buy(rig, { headers: KEYED })
    void rig.deps.inFlight.idle().then(() => order.push('let go'))
    await take(outcome)
    await rig.deps.inFlight.idle()
    expect(order).toEqual(['kept, delivery open', 'let go'])
  })

  it('an answer that cannot be kept is delivered all the same, and its purchase is let go', async () => {
    await using rig = await startRig()
    rig.ledger.keepAnswer = async () => {
      throw refused('ledger_unavailable', 'The disk is full.')
    }
    expect(await take(await buy(rig, { headers: KEYED }))).toBe('goods')
    await rig.deps.inFlight.idle()
    const [payment] = (await rig.ledger.payments({}, { limit: 1 })).items
    expect(payment).toMatchObject({ delivered: true })
    expect((await buy(rig, { headers: KEYED })).kind).toBe('answer')
    expect(rig.sent[1]).toEqual(rig.sent[0])
  })

  it.each([
    ['broke off', BROKEN],
    ['was no 2xx', { status: 500, bytes: 5, complete: true }],
  ])('R3: whose answer %s may ask again before that is written down, and joins', async (_name, delivery) => {
    await using rig = await startRig()
    const slow = Promise.withResolvers<void>()
    const reserve = rig.ledger.reserve.bind(rig.ledger)
    rig.ledger.reserve = async (request) => {
      const result = await reserve(request)
      if (result.kind !== 'reserved') return result
      const { reservation } = result
      const note = reservation.delivered.bind(reservation)
      reservation.delivered = async (said) => {
        await slow.promise
        await note(said)
      }
      return result
    }
    const first = paid(await buy(rig, {}, () => answer(500)))
    const noted = first.delivered(delivery)
    const again = buy(rig)
    await settleDown()
    slow.resolve()
    await noted
    expect(await take(await again)).toBe('goods')
    expect(rig.sent[1]).toEqual(rig.sent[0])
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, payments: 1 })
  })
})

import { describe, expect, it } from 'vitest'
import type { SendResult } from '../../src/session/exchange.ts'
import { encodeBase64, RESULT_HEADER } from '../testnet/wire.ts'
import { charge, receipted } from './mpp-challenges.ts'
import { permitChallenge, took } from './permit-challenges.ts'
import { answer, challenge, cut, NETWORK, settled, startRig } from './rig.ts'

const failed = (sent: boolean): SendResult => ({
  kind: 'failed',
  sent,
  code: sent ? 'upstream_timeout' : 'upstream_unreachable',
  detail: 'It broke.',
})
const denied = answer(402, [RESULT_HEADER[2], encodeBase64({ success: false, errorReason: 'no', transaction: '', network: NETWORK })])

describe('what an outcome means for the money', () => {
  it('nothing left: void, freed, and safe to repeat', async () => {
    await using rig = await startRig()
    const outcome = await rig.pay(() => failed(false))
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'upstream_unreachable', moneyState: 'none' } })
    expect(await rig.balance()).toMatchObject({ held: 0n, spent: 0n, payments: 0 })
    expect((await rig.ledger.payments({}, { limit: 1 })).items).toMatchObject([{ state: 'void' }])
  })

  it.each<[string, () => SendResult, string | undefined]>([
    ['no answer', () => failed(true), 'payment_unknown'],
    ['another 402', () => answer(402), 'payment_rejected'],
    ['a 402 that denies the settlement', () => denied, 'payment_rejected'],
    ['a 500', () => answer(500), undefined],
    ['a redirect', () => answer(302, ['Location', 'https://elsewhere.test/']), undefined],
    ['a 200 without a word', () => answer(200), undefined],
  ])('G4: %s is unknown, and stays held', async (_name, upstream, code) => {
    await using rig = await startRig()
    const outcome = await rig.pay(upstream)
    if (outcome.kind === 'refuse') expect(outcome.refusal).toMatchObject({ code, moneyState: 'unknown' })
    else expect(code).toBeUndefined()
    expect(await rig.balance()).toMatchObject({ held: 1_000n, spent: 0n })
    expect((await rig.ledger.payments({}, { limit: 1 })).items).toMatchObject([{ state: 'unknown' }])
  })

  it.each([
    ['250', '0.00025 USD', 'moved', { spent: 1_000n, held: 0n }],
    ['1000', '0.001 USD', 'moved', { spent: 1_000n, held: 0n }],
    ['1001', '0.001 USD', 'moved', { spent: 1_000n, held: 0n }],
    ['0', '0.001 USD', 'unknown', { spent: 0n, held: 1_000n }],
  ])(
    'G4: of up to 1000 the server says that it took %s: told, and the whole counts all the same',
    async (amount, shown, money, balance) => {
      await using rig = await startRig()
      const outcome = await rig.pay(() => took(amount), { unpaid: permitChallenge('upto') })
      const headers = outcome.kind === 'answer' ? outcome.headers : []
      expect(headers).toEqual(expect.arrayContaining(['Purser-Amount', shown, 'Purser-Money', money]))
      expect(await rig.balance()).toMatchObject(balance)
      const [payment] = (await rig.ledger.payments({}, { limit: 1 })).items
      expect(payment).toMatchObject({ terms: { scheme: 'upto', method: 'permit2', amountAtomic: 1_000n } })
      if (amount === '1001') expect(payment?.settlement).toContain('more than the 0.001 USDC that were signed for')
    },
  )

  it('a repeat whose connection fails before a byte left frees nothing: the first one had left', async () => {
    await using rig = await startRig()
    await rig.pay(() => failed(true))
    const outcome = await rig.pay(() => failed(false))
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'upstream_unreachable', moneyState: 'unknown' } })
    expect(await rig.balance()).toMatchObject({ held: 1_000n })
  })

  it('settled earlier and refused now is paid_not_delivered, and stays spent', async () => {
    await using rig = await startRig()
    const first = await rig.pay(() => cut())
    if (first.kind !== 'answer') throw new Error('no answer')
    await first.delivered({ status: 200, bytes: 1, complete: false })
    await rig.deps.inFlight.idle()
    const outcome = await rig.pay(() => answer(402))
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'paid_not_delivered', moneyState: 'moved' } })
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it('a 402 that says it settled is refused without a word that the money could still be held', async () => {
    await using rig = await startRig()
    const said = settled()
    if (said.kind !== 'answer') throw new Error('no answer')
    const outcome = await rig.pay(() => ({ ...said, answer: { ...said.answer, status: 402 } }))
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'payment_rejected', moneyState: 'moved' } })
    expect(outcome).toMatchObject({ refusal: { detail: expect.not.stringContaining('held') } })
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it('an answer that was paid for reaches the agent, though the ledger fails right before it came', async () => {
    await using rig = await startRig()
    const outcome = await rig.pay(async () => {
      await rig.ledger[Symbol.asyncDispose]()
      return settled()
    })
    if (outcome.kind !== 'answer') throw new Error(`refused: ${outcome.kind}`)
    expect(outcome.headers).toEqual(['Purser-Payment', expect.stringMatching(/^pay_/), 'Purser-Money', 'unknown'])
    expect(await outcome.answer.body.toArray()).toEqual([Buffer.from('goods')])
  })

  it('another 402 reaches no agent where the ledger fails, and nothing claims to be unpaid', async () => {
    await using rig = await startRig()
    const outcome = await rig.pay(async () => {
      await rig.ledger[Symbol.asyncDispose]()
      return answer(402)
    })
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'ledger_unavailable', moneyState: 'unknown' } })
  })

  it('what an answer says of a payment is read by the rail that the payment was made by, whatever a repeat is asked by', async () => {
    await using rig = await startRig()
    const hangs = () => ({ kind: 'failed', sent: true, code: 'upstream_timeout', detail: 'It hung.' }) as const
    await rig.pay(hangs, { unpaid: charge() })
    const both = { ...challenge(), headers: [...challenge().headers, ...charge({ id: 'two' }).headers] }
    expect(await rig.pay(() => receipted(), { unpaid: both })).toMatchObject({ kind: 'answer' })
    expect((await rig.ledger.payments({}, { limit: 10 })).items).toMatchObject([
      { state: 'settled', transaction: `0x${'cd'.repeat(32)}`, terms: { rail: 'mpp' } },
    ])
  })

  it('a payment is counted once, however often it is presented', async () => {
    await using rig = await startRig()
    const entered: string[] = []
    const { paymentEntered } = rig.deps.events
    rig.deps.events.paymentEntered = (payment) => {
      entered.push(payment.state)
      paymentEntered(payment)
    }
    for (const upstream of [() => answer(500), () => answer(500), () => settled()]) {
      const outcome = await rig.pay(upstream)
      if (outcome.kind === 'answer') await outcome.delivered({ status: 500, bytes: 5, complete: true })
      await rig.deps.inFlight.idle()
    }
    expect(entered).toEqual(['reserved', 'signed', 'sent', 'unknown', 'settled'])
  })
})

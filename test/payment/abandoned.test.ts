import { describe, expect, it } from 'vitest'
import { ABANDONED_ATTEMPT_MS } from '../../src/limits.ts'
import { createPay } from '../../src/payment/pay.ts'
import type { Send, SendResult } from '../../src/session/exchange.ts'
import { COMPLETE, challenge, type Rig, settleDown, settled, startRig } from './rig.ts'

/** An upstream that hangs, and an agent that can leave. `pass` lets the time go by that an abandoned attempt is given. */
function hanging(rig: Rig, { connects = true } = {}) {
  const gone = new AbortController()
  const answer = Promise.withResolvers<SendResult>()
  const waits: { readonly ms: number; readonly pass: () => void; readonly over: AbortSignal }[] = []
  const pay = createPay({
    ...rig.deps,
    pause: (ms, over) =>
      new Promise((resolve) => {
        over.addEventListener('abort', resolve)
        waits.push({ ms, pass: () => resolve(undefined), over })
      }),
  })
  const send: Send = async ({ beforeSend }) => {
    if (connects) beforeSend?.()
    return answer.promise
  }
  const outcome = pay(rig.request({ signal: gone.signal }), challenge(), send, async () => undefined)
  const stateOf = async () => (await rig.ledger.payments({}, { limit: 1 })).items[0]?.state
  const pass = async () => {
    for (const wait of waits) wait.pass()
    await settleDown()
  }
  return { gone, answer, waits, outcome, stateOf, pass }
}

async function reach(state: string, stateOf: () => Promise<string | undefined>): Promise<void> {
  for (let turn = 0; turn < 100 && (await stateOf()) !== state; turn++) await settleDown()
  expect(await stateOf()).toBe(state)
}

describe('an upstream that says nothing after its agent left', () => {
  it('leaves the payment unknown soon, so that the chain is asked about it; the money stays held', async () => {
    await using rig = await startRig()
    const { gone, answer, waits, outcome, stateOf, pass } = hanging(rig)
    await reach('sent', stateOf)
    gone.abort()
    await settleDown()
    expect(waits.map(({ ms }) => ms)).toEqual([ABANDONED_ATTEMPT_MS])
    expect(await stateOf()).toBe('sent')
    await pass()
    await reach('unknown', stateOf)
    expect(await rig.balance()).toMatchObject({ held: 1_000n, spent: 0n })
    expect((await rig.ledger.claimUnproven({ networks: [], limit: 10 })).map(({ state }) => state)).toEqual(['unknown'])
    answer.resolve({ kind: 'failed', sent: true, code: 'upstream_timeout', detail: 'Silence.' })
    expect(await outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'payment_unknown', moneyState: 'unknown' } })
  })

  it('or whose connection is still being made leaves it signed: nothing may have left, and then the money is freed', async () => {
    await using rig = await startRig()
    const { gone, answer, outcome, stateOf, pass } = hanging(rig, { connects: false })
    await reach('signed', stateOf)
    gone.abort()
    await settleDown()
    await pass()
    expect(await stateOf()).toBe('signed')
    answer.resolve({ kind: 'failed', sent: false, code: 'upstream_unreachable', detail: 'Nobody is there.' })
    expect(await outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'upstream_unreachable', moneyState: 'none' } })
    expect(await rig.balance()).toMatchObject({ held: 0n, spent: 0n })
  })

  it('is heard to its end: a settlement that it claims late is posted', async () => {
    await using rig = await startRig()
    const { gone, answer, outcome, stateOf, pass } = hanging(rig)
    await reach('sent', stateOf)
    gone.abort()
    await settleDown()
    await pass()
    await reach('unknown', stateOf)
    answer.resolve(settled())
    const paid = await outcome
    if (paid.kind !== 'answer') throw new Error('no answer')
    await paid.delivered({ ...COMPLETE, complete: false })
    expect(await stateOf()).toBe('settled')
    expect(await rig.balance()).toMatchObject({ held: 0n, spent: 1_000n })
  })

  it('is not held against the recipient as a denial', async () => {
    await using rig = await startRig()
    const { gone, answer, outcome, stateOf, pass } = hanging(rig)
    await reach('sent', stateOf)
    gone.abort()
    await settleDown()
    await pass()
    await reach('unknown', stateOf)
    const [payment] = (await rig.ledger.payments({}, { limit: 1 })).items
    const shown = { kind: 'settled', evidence: 'confirmed', transaction: '0xabc', block: 7n, reason: 'The chain shows it.' } as const
    expect(await rig.ledger.resolve(payment?.id ?? '', shown)).toMatchObject({ state: 'settled', dispute: null })
    answer.resolve(settled())
    expect(await outcome).toMatchObject({ kind: 'answer' })
  })

  it('changes nothing while the agent waits, or where the answer comes first', async () => {
    await using rig = await startRig()
    const { gone, answer, waits, outcome, stateOf } = hanging(rig)
    await reach('sent', stateOf)
    expect(waits).toEqual([])
    gone.abort()
    await settleDown()
    answer.resolve(settled())
    expect(await outcome).toMatchObject({ kind: 'answer' })
    expect(waits.map(({ over }) => over.aborted)).toEqual([true])
    expect(await stateOf()).toBe('settled')
  })
})

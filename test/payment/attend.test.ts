import { describe, expect, it } from 'vitest'
import { attend } from '../../src/payment/attend.ts'
import { type Case, openCase } from '../../src/payment/case.ts'
import { chooseOffer } from '../../src/rails/quote.ts'
import { challenge, type Rig, settleDown, startRig } from './rig.ts'

function caseOf(rig: Rig, changes: Parameters<Rig['request']>[0] = {}): Case {
  const opened = openCase(rig.deps, rig.request(changes), challenge())
  if (opened.kind !== 'challenge') throw new Error('no challenge')
  const quote = chooseOffer(opened.case.challenge, rig.session)
  if ('code' in quote) throw new Error(quote.detail)
  return { ...opened.case, quote }
}

describe('waiting for people', () => {
  it('goes on while nothing bars the payment', async () => {
    await using rig = await startRig()
    const attendance = await attend(caseOf(rig))
    const other = await rig.openSession()
    await rig.ledger.close(other.id)
    await rig.ledger.halt({ scope: 'recipient', value: 'elsewhere.example', reason: 'drill', at: 0 })
    await settleDown()
    expect(attendance.signal.aborted).toBe(false)
    expect(await attendance.bar()).toBeUndefined()
    attendance.end()
  })

  it.each([
    ['its session is closed', async (rig: Rig) => void (await rig.ledger.close(rig.session.id)), 'session_closed'],
    ['its session is revoked', async (rig: Rig) => void (await rig.ledger.revoke(rig.session.id)), 'session_revoked'],
    ['its agent is halted', (rig: Rig) => rig.ledger.halt({ scope: 'agent', value: 'tester', reason: 'drill', at: 0 }), 'payments_halted'],
    [
      'its recipient is halted',
      (rig: Rig) => rig.ledger.halt({ scope: 'recipient', value: 'api.example.com', reason: 'drill', at: 0 }),
      'payments_halted',
    ],
  ])('ends at once when %s', async (_name, act, code) => {
    await using rig = await startRig()
    const attendance = await attend(caseOf(rig))
    await act(rig)
    await settleDown()
    expect(attendance.signal.aborted).toBe(true)
    expect(await attendance.bar()).toMatchObject({ code })
    attendance.end()
  })

  it('ends when an ancestor of its session is closed', async () => {
    await using rig = await startRig()
    const session = await rig.openSession({ parent: rig.session.id })
    const attendance = await attend(caseOf(rig, { session }))
    await rig.ledger.close(rig.session.id)
    await settleDown()
    expect(attendance.signal.aborted).toBe(true)
    expect(await attendance.bar()).toMatchObject({ code: 'session_closed' })
    attendance.end()
  })

  it('ends when its agent goes, and when the process is about to stop', async () => {
    await using rig = await startRig()
    const gone = new AbortController()
    const one = await attend(caseOf(rig, { signal: gone.signal }))
    const other = await attend(caseOf(rig))
    gone.abort()
    expect([one.signal.aborted, other.signal.aborted]).toEqual([true, false])
    rig.people.stop()
    expect(other.signal.aborted).toBe(true)
    expect(await other.bar()).toBeUndefined()
    one.end()
    other.end()
  })

  it('hears nothing any more after its end', async () => {
    await using rig = await startRig()
    const attendance = await attend(caseOf(rig))
    attendance.end()
    await rig.ledger.close(rig.session.id)
    await settleDown()
    expect(attendance.signal.aborted).toBe(false)
  })
})

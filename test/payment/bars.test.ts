import { describe, expect, it } from 'vitest'
import { barTo } from '../../src/payment/bars.ts'
import { openCase } from '../../src/payment/case.ts'
import { challenge, type Rig, settled, startRig } from './rig.ts'

const body = { digest: '', bytes: 0, replayable: true, bound_bytes: 65_536 }

function caseOf(rig: Rig, changes: Parameters<Rig['request']>[0] = {}) {
  const opened = openCase(rig.deps, rig.request(changes), challenge())
  if (opened.kind !== 'challenge') throw new Error('no challenge')
  return opened.case
}

describe('what keeps a request from paying', () => {
  it('is nothing for an ordinary request, verified TLS or an opened network', async () => {
    await using rig = await startRig()
    expect(await barTo(caseOf(rig), body)).toBeUndefined()
    expect(await barTo(caseOf(rig, { transport: 'opened-plain' }), body)).toBeUndefined()
  })

  it.each([
    ['all', () => ''],
    ['agent', () => 'tester'],
    ['session', (rig: Rig) => rig.session.id],
  ] as const)('is a halt of %s, and says whose', async (scope, whose) => {
    await using rig = await startRig()
    await rig.ledger.halt({ scope, value: whose(rig), reason: 'drill', at: 0 })
    const bar = await barTo(caseOf(rig), body)
    expect(bar).toMatchObject({ code: 'payments_halted' })
    expect(bar?.detail.toLowerCase()).toContain(scope)
  })

  it('is a halt of an ancestor, for the repeat of a payment that is out too', async () => {
    await using rig = await startRig()
    const child = await rig.openSession({ parent: rig.session.id })
    const session = await rig.openSession({ parent: child.id })
    const request = rig.request({ session })
    await rig.pay(() => ({ kind: 'failed', sent: true, code: 'upstream_timeout', detail: 'No answer.' }), { request })
    await rig.ledger.halt({ scope: 'session', value: rig.session.id, reason: 'drill', at: 0 })
    const outcome = await rig.pay(() => settled(), { request })
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'payments_halted' } })
    expect(rig.sent).toHaveLength(1)
  })

  it('is Purser-Pay: never, for the repeat of a payment that is out too', async () => {
    await using rig = await startRig()
    await rig.pay(() => ({ kind: 'failed', sent: true, code: 'upstream_timeout', detail: 'No answer.' }))
    const outcome = await rig.pay(() => settled(), { request: rig.request({ hints: { payNever: true } }) })
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'payment_not_allowed' } })
    expect(rig.sent).toHaveLength(1)
    expect(await rig.balance()).toMatchObject({ held: 1_000n, spent: 0n })
  })

  it('is not a halt of somebody else', async () => {
    await using rig = await startRig()
    await rig.ledger.halt({ scope: 'agent', value: 'another', reason: 'drill', at: 0 })
    expect(await barTo(caseOf(rig), body)).toBeUndefined()
  })
})

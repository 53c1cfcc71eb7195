import { describe, expect, it } from 'vitest'
import { barTo } from '../../src/payment/bars.ts'
import { openCase } from '../../src/payment/case.ts'
import { challenge, type Rig, startRig } from './rig.ts'

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
    expect(bar?.detail).toContain(scope)
  })

  it('is not a halt of somebody else', async () => {
    await using rig = await startRig()
    await rig.ledger.halt({ scope: 'agent', value: 'another', reason: 'drill', at: 0 })
    expect(await barTo(caseOf(rig), body)).toBeUndefined()
  })
})

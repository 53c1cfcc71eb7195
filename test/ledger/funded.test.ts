import { describe, expect, it } from 'vitest'
import { withFunding } from '../../src/ledger/funded.ts'
import { composeLedger } from '../../src/ledger/sqlite.ts'
import { countingIds, testClock } from '../clock.ts'
import { fixtures, usd } from './fixtures.ts'
import { emptyDatabase } from './sqlite/workbench.ts'

async function rig() {
  const clock = testClock()
  const plain = await composeLedger(emptyDatabase(), { clock, ids: countingIds(), runId: 'run_1' })
  const ledger = withFunding(plain, { addressFor: async ({ agent, id }) => (agent === 'poor' ? `0x${id}` : undefined), clock })
  const due = () => ledger.fundings.claim({ now: clock.now(), until: clock.now(), limit: 10 })
  const settle = async () => {
    for (const account of await due()) await ledger.fundings.release(account, { dueAt: clock.now() + 9_999_999, endedAt: null })
  }
  return { ledger, plain, due, settle, make: fixtures(countingIds(), () => clock.now()) }
}

describe('a ledger with a treasury', () => {
  it('makes an account due when its session is opened, topped up, closed or revoked', async () => {
    const { ledger, due, settle, make } = await rig()
    const [one, two] = [
      await ledger.openSession(make.session({ agent: 'poor' })),
      await ledger.openSession(make.session({ agent: 'poor' })),
    ]
    expect((await due()).map(({ sessionId }) => sessionId).toSorted()).toEqual([one.id, two.id])
    for (const step of [
      () => ledger.topUp(one.id, { amount: usd(1), extend_ms: 0 }),
      () => ledger.close(one.id),
      () => ledger.revoke(one.id),
    ]) {
      await settle()
      expect(await due()).toEqual([])
      await step()
      expect((await due()).map(({ sessionId }) => sessionId)).toEqual([one.id])
    }
  })

  it('keeps the account before the session, so that none is opened without one', async () => {
    const { ledger, plain, make } = await rig()
    const asked = make.session({ agent: 'poor' })
    const opening = plain.openSession.bind(plain)
    const seen: unknown[] = []
    plain.openSession = async (...args) => {
      seen.push(await plain.fundings.account(asked.id))
      return opening(...args)
    }
    await ledger.openSession(asked)
    expect(seen).toMatchObject([{ sessionId: asked.id }])
  })

  it('leaves sessions alone that the treasury does not keep, and everything else of the ledger', async () => {
    const { ledger, due, make } = await rig()
    const { id } = await ledger.openSession(make.session())
    await ledger.close(id)
    expect(await due()).toEqual([])
    expect((await ledger.session(id))?.status).toBe('closed')
  })
})

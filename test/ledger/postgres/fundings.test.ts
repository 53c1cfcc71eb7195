/** What every store does is in the conformance suite; here is what only this one has to. */
import { describe, expect, it } from 'vitest'
import { Batch } from '../../../src/ledger/postgres/batch.ts'
import { PostgresFundings } from '../../../src/ledger/postgres/fundings.ts'
import { readingFrom } from '../../../src/ledger/postgres/reading.ts'
import { planned } from '../../conformance/ledger-fundings.ts'
import { memoryBench } from './workbench.ts'

describe('fundings of several processes', () => {
  it('are planned once for each number, and an account is claimed by one of them', async () => {
    const { store, clock, compose } = memoryBench()
    const process = () => new PostgresFundings({ reading: readingFrom(store), batch: new Batch({ store, clock, compose }) })
    const [one, other] = [process(), process()]
    const kept = await Promise.all([one, other].map((each, n) => each.plan(planned('ses_a', 1, { amountAtomic: BigInt(n) }))))
    expect(kept.filter((won) => won)).toHaveLength(1)
    await one.open({ sessionId: 'ses_a', address: '0x1' }, clock.now())
    const query = { now: clock.now(), until: clock.now() + 1, limit: 5 }
    expect((await Promise.all([one.claim(query), other.claim(query)])).flat()).toHaveLength(1)
    expect(await one.fundings('ses_a')).toEqual(await other.fundings('ses_a'))
  })
})

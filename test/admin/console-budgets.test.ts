import { describe, expect, it } from 'vitest'
import { budgetsOf } from '../../src/admin/console-budgets.ts'
import { OVERVIEW_BUDGETS, OVERVIEW_SESSIONS } from '../../src/people-limits.ts'
import { buy, startFixture } from './fixture.ts'

describe('console-budgets', () => {
  it('the fullest come first, as a share of their cap', async () => {
    await using fixture = await startFixture()
    const large = await fixture.open({ agent: 'large', cap: '20.00' })
    const small = await fixture.open({ agent: 'small', cap: '2.00' })
    await fixture.open({ agent: 'none', cap: '0' })
    await buy(fixture, { sessionId: large.id, amount: 2_000_000n })
    await buy(fixture, { sessionId: small.id, amount: 1_000_000n })
    const { budgets } = await budgetsOf(fixture.ledger, fixture.clock.now())
    expect(budgets.map(({ agent, remaining }) => [agent, remaining])).toEqual([
      ['small', '1.00'],
      ['large', '18.00'],
      ['none', '0.00'],
    ])
  })

  it('children, whose money is their parents’, and sessions that ended are not added up', async () => {
    await using fixture = await startFixture()
    const parent = await fixture.open({ cap: '10.00' })
    await fixture.open({ cap: '5.00', parent: parent.id })
    const closed = await fixture.open({ cap: '7.00' })
    await fixture.ask(`/v1/sessions/${closed.id}/close`, { method: 'POST' })
    const { budgetSums } = await budgetsOf(fixture.ledger, fixture.clock.now())
    expect(budgetSums).toEqual({ USD: { sessions: 1, cap: '10.00', spent: '0.00', held: '0.00', remaining: '10.00' } })
  })

  it('only so many are shown, and it says where older ones were not looked at', async () => {
    await using fixture = await startFixture()
    for (let n = 0; n <= OVERVIEW_SESSIONS; n += 1) await fixture.open()
    const { budgets, budgetSums, budgetsPartial } = await budgetsOf(fixture.ledger, fixture.clock.now())
    expect([budgets.length, budgetSums.USD?.sessions, budgetsPartial]).toEqual([OVERVIEW_BUDGETS, OVERVIEW_SESSIONS, true])
  })
})

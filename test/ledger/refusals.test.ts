import { describe, expect, it } from 'vitest'
import type { Refusal } from '../../src/errors.ts'
import { complete } from '../../src/ledger/refusals.ts'
import { usd } from './fixtures.ts'
import { workbench } from './sqlite/workbench.ts'

const refusal: Refusal = { code: 'vetoed', detail: 'A person said no.' }

describe('refusals', () => {
  it('are amended at 10, 100 and 1,000, and at nothing between', () => {
    const bench = workbench()
    const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
    for (let count = 0; count < 1_000; count++) {
      bench.write((tx) => bench.refusals.write(tx, { attempt: bench.make.attempt(id), refusal, paymentId: bench.ids('pay') }))
    }
    const { items } = bench.tables.receipts.page({ session: id }, { limit: 100 })
    expect(items.map(({ kind, count }) => [kind, count])).toEqual([
      ['amendment', 1_000],
      ['amendment', 100],
      ['amendment', 10],
      ['refusal', 1],
    ])
  })

  it('are completed with the balance, and keep what they say themselves', () => {
    const bench = workbench()
    const session = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
    const { attempt } = bench.make.request(session.id, usd(1))
    const said = { ...refusal, tier: 'collaborative', amount: usd(9), resetsAt: 5 }
    expect(complete(said, { session, attempt, paymentId: 'pay_1' })).toMatchObject({
      ...said,
      rule: attempt.rule,
      remaining: usd(25),
      paymentId: 'pay_1',
    })
  })
})

import { describe, expect, it } from 'vitest'
import { workbench } from './workbench.ts'

describe('runs of refusals', () => {
  it('are one for each session and digest, as they were put last', () => {
    const bench = workbench()
    const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
    const { refusalRuns, payments } = bench.tables
    for (const paymentId of ['p', 'q']) bench.write((tx) => payments.deny(tx, bench.make.attempt(id), { id: paymentId, code: 'vetoed' }))
    const run = { sessionId: id, digest: 'd', paymentId: 'p', beganAt: 1, count: 1, recorded: 1 }
    bench.write((tx) => refusalRuns.put(tx, run))
    bench.write((tx) => refusalRuns.put(tx, { ...run, paymentId: 'q', beganAt: 2, count: 9, recorded: 3 }))
    expect(refusalRuns.find(id, 'd')).toEqual({ ...run, paymentId: 'q', beganAt: 2, count: 9, recorded: 3 })
    expect([refusalRuns.find(id, 'e'), refusalRuns.find('ses_none', 'd')]).toEqual([undefined, undefined])
  })
})

import { describe, expect, it } from 'vitest'
import { DRIFT_START_PAYMENTS } from '../../../src/people-limits.ts'
import { NEVER_SIGNED, usd } from '../fixtures.ts'
import { workbench } from './workbench.ts'

function paying() {
  const bench = workbench()
  const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
  const { memory, pending } = bench.tables
  const query = { agent: 'researcher', sessionId: id, origin: 'o', network: 'n', payTo: 'p', tiers: [], conduct: true } as const
  const conduct = () => memory.history(query, bench.clock.now()).conduct
  /** In memory only: what was known before stays known. */
  const reserve = (host: string) => {
    const request = bench.make.request(id, usd(1), { attempt: { host } })
    bench.reserving.reserve({ now: bench.clock.now(), afterCommit: () => undefined }, request)
    return request.paymentId
  }
  return { bench, pending, conduct, reserve }
}

describe('how a session has paid', () => {
  it('is the same from memory as from the file, with what was reserved since and without what was voided', () => {
    const { bench, pending, conduct, reserve } = paying()
    expect(conduct()).toEqual({ first: [], latest: [] })
    const ids = Array.from({ length: DRIFT_START_PAYMENTS + 2 }, (_, n) => reserve(`h${n}.example`))
    const known = conduct()
    expect(known?.latest[0]?.host).toBe(`h${DRIFT_START_PAYMENTS + 1}.example`)
    expect(known?.first.map(({ host }) => host)).toEqual(Array.from({ length: DRIFT_START_PAYMENTS }, (_, n) => `h${n}.example`))
    pending.write()
    pending.forget()
    expect(conduct()).toEqual(known)
    bench.write((tx) => bench.transitions.void(tx, ids.at(-1) ?? '', { ...NEVER_SIGNED, kind: 'never_signed' }))
    expect(conduct()?.latest[0]?.host).toBe(`h${DRIFT_START_PAYMENTS}.example`)
  })
})

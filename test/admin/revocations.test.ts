import { describe, expect, it, vi } from 'vitest'
import { watchRevocations } from '../../src/admin/revocations.ts'
import type { Change } from '../../src/ledger/ledger.ts'
import { type Fixture, startFixture, unavailable } from './fixture.ts'

/** A watch whose changes the test makes, over the sessions of a real ledger. */
function watched({ ledger }: Pick<Fixture, 'ledger'>) {
  const listeners = new Set<(change: Change) => void>()
  const [revoked, warned]: [string[], string[]] = [[], []]
  const stop = watchRevocations({
    ledger: {
      session: (id) => ledger.session(id),
      watch: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    onRevoked: (id) => revoked.push(id),
    events: { warned: (sentence) => warned.push(sentence) },
  })
  const tell = (change: Change) => {
    for (const listener of listeners) listener(change)
  }
  return { stop, revoked, warned, listeners, tell }
}

describe('watchRevocations', () => {
  it('a revoked session and each one below it is ended, wherever it was revoked', async () => {
    await using fixture = await startFixture()
    const { id: parent } = await fixture.open()
    const { id: child } = await fixture.open({ cap: '1', ttl: '10m', parent })
    const revoked: string[] = []
    const stop = watchRevocations({ ledger: fixture.ledger, onRevoked: (id) => revoked.push(id), events: { warned: () => {} } })
    await fixture.ledger.revoke(parent)
    await vi.waitFor(() => expect(new Set(revoked)).toEqual(new Set([parent, child])))
    stop()
  })

  it('a closed session still forwards what costs nothing', async () => {
    await using fixture = await startFixture()
    const [closed, revokedToo] = [await fixture.open(), await fixture.open()]
    await fixture.ledger.close(closed.id)
    await fixture.ledger.revoke(revokedToo.id)
    const { tell, revoked } = watched(fixture)
    tell({ kind: 'session_ended', sessionId: closed.id })
    tell({ kind: 'halts' })
    tell({ kind: 'session_ended', sessionId: revokedToo.id })
    await vi.waitFor(() => expect(revoked).toEqual([revokedToo.id]))
  })

  it('where the ledger cannot say how it ended, what was open ends, and an operator is told', async () => {
    const { tell, revoked, warned } = watched({ ledger: { session: () => Promise.reject(unavailable()) } as unknown as Fixture['ledger'] })
    tell({ kind: 'session_ended', sessionId: 'ses_1' })
    await vi.waitFor(() => expect(revoked).toEqual(['ses_1']))
    expect(warned).toEqual(['Session ses_1 ended, and the ledger does not say how: what it still had open was ended too.'])
  })

  it('stops when it is told to', async () => {
    await using fixture = await startFixture()
    const { stop, listeners } = watched(fixture)
    stop()
    expect(listeners.size).toBe(0)
  })
})

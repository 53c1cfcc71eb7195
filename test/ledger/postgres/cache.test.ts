import { describe, expect, it } from 'vitest'
import { refused } from '../../../src/errors.ts'
import { Kept, KeptSessions } from '../../../src/ledger/postgres/cache.ts'
import { CHANGE_POLL_MS, STALE_SESSION_MS } from '../../../src/limits.ts'
import type { Session } from '../../../src/session/session.ts'
import { testClock } from '../../clock.ts'
import { fixtures, usd } from '../fixtures.ts'

const { tokenHash: _, ...opened } = fixtures(
  (prefix) => `${prefix}_1`,
  () => 0,
).session()
const SESSION: Session = { ...opened, spent: 0n, held: 0n, payments: 0, status: 'open', refills: 0 }

function stage() {
  const clock = testClock()
  const sessions = new KeptSessions(clock)
  let asked = 0
  const get = (answer: Session | undefined = SESSION) =>
    sessions.get('hash', async () => {
      asked += 1
      return answer
    })
  return { clock, sessions, get, asked: () => asked }
}

/** A question whose answer takes its time. */
function slow<T>() {
  const { promise, resolve } = Promise.withResolvers<T>()
  return { read: () => promise, resolve }
}

describe('a value that is kept', () => {
  it('is half a second old at most, by the monotonic clock, counted from when it was asked for', async () => {
    const clock = testClock()
    const kept = new Kept<number>(clock)
    const { read, resolve } = slow<number>()
    const first = kept.get(read)
    clock.advance(CHANGE_POLL_MS - 1)
    resolve(1)
    expect(await first).toBe(1)
    expect(await kept.get(async () => 2)).toBe(1)
    clock.advance(1)
    expect(await kept.get(async () => 2)).toBe(2)
  })

  it('is asked for again once it was dropped', async () => {
    const kept = new Kept<number>(testClock())
    await kept.get(async () => 1)
    kept.drop()
    expect(await kept.get(async () => 2)).toBe(2)
  })

  it('that was asked for before a drop is not kept after it', async () => {
    const kept = new Kept<number>(testClock())
    const { read, resolve } = slow<number>()
    const before = kept.get(read)
    kept.drop()
    resolve(1)
    expect(await before).toBe(1)
    expect(await kept.get(async () => 2)).toBe(2)
  })

  it('that could not be read is not kept', async () => {
    const kept = new Kept<number>(testClock())
    await expect(kept.get(async () => Promise.reject(new Error('away')))).rejects.toThrow('away')
    expect(await kept.get(async () => 2)).toBe(2)
  })
})

describe('a session that is kept', () => {
  it('is asked for once in half a second', async () => {
    const { clock, get, asked } = stage()
    for (const wait of [0, CHANGE_POLL_MS - 1]) {
      clock.advance(wait)
      expect(await get()).toEqual(SESSION)
    }
    expect(asked()).toBe(1)
    clock.advance(1)
    await get()
    expect(asked()).toBe(2)
  })

  it('is not kept where there is none: its token may come', async () => {
    const { sessions, get } = stage()
    expect(await sessions.get('hash', async () => undefined)).toBeUndefined()
    expect(await get()).toEqual(SESSION)
  })

  it('is dropped as soon as it is known to have ended', async () => {
    const { sessions, get, asked } = stage()
    await get()
    sessions.drop(SESSION.id)
    await get()
    sessions.drop('ses_other')
    await get()
    expect(asked()).toBe(2)
  })

  it.each([
    ['it ended', (sessions: KeptSessions) => sessions.drop(SESSION.id)],
    [
      'this process wrote it',
      (sessions: KeptSessions) => sessions.keepUp([{ kind: 'update', table: 'sessions', row: { id: SESSION.id } }]),
    ],
  ])('is not kept where, while it was asked for, %s', async (_name, happens) => {
    const { sessions, get, asked } = stage()
    const { read, resolve } = slow<Session>()
    const before = sessions.get('hash', read)
    happens(sessions)
    resolve(SESSION)
    await before
    await get()
    expect(asked()).toBe(1)
  })

  it('keeps up with what this process writes, and grows no younger by that', async () => {
    const { clock, sessions, get, asked } = stage()
    await get()
    const moved = { held: usd(1), spent: usd(2), payments: 3n, cap: usd(9), expires_at: 5n, status: 'closed', refills: 1n }
    sessions.keepUp([
      { kind: 'update', table: 'sessions', row: { id: SESSION.id, ...moved } },
      { kind: 'insert', table: 'payments', row: { id: 'pay_1' } },
      { kind: 'update', table: 'sessions', row: { id: 'ses_other', held: usd(7) } },
    ])
    const now = { held: usd(1), spent: usd(2), payments: 3, cap: usd(9), expiresAt: 5, status: 'closed', refills: 1 }
    expect(await get()).toEqual({ ...SESSION, ...now })
    clock.advance(CHANGE_POLL_MS)
    await get()
    expect(asked()).toBe(2)
  })
})

describe('a session while the ledger is away', () => {
  const away = () => Promise.reject(refused('ledger_unavailable', 'away'))

  it('passes as it was known last, for a minute and not for ever', async () => {
    const { clock, sessions, get } = stage()
    await get()
    clock.advance(CHANGE_POLL_MS + STALE_SESSION_MS - 1)
    expect(await sessions.get('hash', away)).toEqual(SESSION)
    clock.advance(1)
    await expect(sessions.get('hash', away)).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
  })

  it('is nobody’s where it was never known, was revoked, or ended meanwhile', async () => {
    const { clock, sessions, get } = stage()
    await expect(sessions.get('hash', away)).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
    await get({ ...SESSION, status: 'revoked' })
    clock.advance(CHANGE_POLL_MS)
    await expect(sessions.get('hash', away)).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
    await get()
    sessions.drop(SESSION.id)
    await expect(sessions.get('hash', away)).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
  })

  it('hides no other fault', async () => {
    const { clock, sessions, get } = stage()
    await get()
    clock.advance(CHANGE_POLL_MS)
    await expect(sessions.get('hash', () => Promise.reject(new TypeError('a mistake')))).rejects.toThrow(TypeError)
  })
})

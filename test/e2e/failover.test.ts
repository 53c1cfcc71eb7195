/**
 * A real PostgreSQL pair, its primary killed under load. PURSER_FAILOVERS sets how often (3 in CI).
 */
import { randomInt } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import type { Ledger, ReserveRequest } from '../../src/ledger/ledger.ts'
import { usd } from '../ledger/fixtures.ts'
import { type Pair, startPair } from '../postgres/pair.ts'
import type { PostgresServer } from '../postgres/server.ts'
import { Load, make, openLedger, type Reached } from './failover-rig.ts'

const ROUNDS = Number(process.env.PURSER_FAILOVERS ?? 3)
const DATABASE = 'ledger'
const AGENTS = 24
const ROUND_MS = 180_000

/** Two replicas on a pair: a roomy session, and one whose cap is always at its edge. */
async function stage(pair: Pair, unsafeAsyncReplication = false) {
  await pair.primary.query(`CREATE DATABASE ${DATABASE}`)
  const told: string[] = []
  const open = (runId: string) => openLedger({ url: pair.url(DATABASE), runId, unsafeAsyncReplication, told })
  const ledgers = [await open('run_a'), await open('run_b')] as const
  const roomy = await ledgers[0].openSession(make.session({ cap: usd(1_000_000) }))
  const tight = await ledgers[0].openSession(make.session({ cap: usd(40) }))
  return {
    ledgers,
    told,
    load: new Load(ledgers, [roomy.id, roomy.id, tight.id]),
    async [Symbol.asyncDispose]() {
      await Promise.all(ledgers.map((ledger) => ledger[Symbol.asyncDispose]()))
    },
  }
}

/** States in which a payment may be found that had come so far when the ledger acknowledged it. */
const LATER: Readonly<Record<Reached, readonly string[]>> = {
  reserved: ['reserved', 'signed', 'sent', 'settled', 'unknown', 'void'],
  signed: ['signed', 'sent', 'settled', 'unknown', 'void'],
  settled: ['settled'],
  void: ['void'],
}

/** What was acknowledged and is not there, or has gone back. */
async function lost(server: PostgresServer, acknowledged: ReadonlyMap<string, Reached>): Promise<string[]> {
  const rows = await server.query("SELECT id, state FROM purser.payments WHERE state <> 'denied'", DATABASE)
  const states = new Map(rows.map(({ id, state }) => [String(id), String(state)]))
  return [...acknowledged].filter(([id, reached]) => !LATER[reached].includes(states.get(id) ?? 'missing')).map(([id]) => id)
}

/** Sessions whose balance is not the sum of their payments, or exceeds the cap; empty where all is well. */
function wrongBalances(server: PostgresServer): Promise<Record<string, unknown>[]> {
  const statement = `
    SELECT s.id, s.cap, s.spent, s.held, p.spent AS spent_by_payments, p.held AS held_by_payments FROM purser.sessions AS s, LATERAL (
      SELECT coalesce(sum(amount::bigint) FILTER (WHERE state IN ('settled', 'expired')), 0) AS spent,
        coalesce(sum(amount::bigint) FILTER (WHERE state IN ('reserved', 'signed', 'sent', 'unknown')), 0) AS held
      FROM purser.payments WHERE session_id = s.id) AS p
    WHERE s.spent <> p.spent OR s.held <> p.held OR s.spent + s.held > s.cap`
  return server.query(statement, DATABASE)
}

/** Purchases with another payment beside one that was signed and may have moved money. */
function paidTwice(server: PostgresServer): Promise<Record<string, unknown>[]> {
  const statement = `
    SELECT fingerprint FROM purser.payments WHERE state NOT IN ('denied', 'void')
    GROUP BY session_id, fingerprint HAVING count(*) > 1 AND bool_or(signed_at IS NOT NULL)`
  return server.query(statement, DATABASE)
}

/** An agent repeats a request whose answer was lost: the same payment is presented again, or nothing was written. */
async function repeat(ledger: Ledger, request: ReserveRequest): Promise<void> {
  const resumed = await ledger.resume(request.purchase)
  if (resumed.kind === 'repeat') expect(resumed.reservation.nonce).toBe(request.nonce)
  if (resumed.kind === 'none') await ledger.reserve({ ...request, ...freshNames() })
}

function freshNames() {
  const { paymentId, purchaseId, nonce } = make.request('', 0n)
  return { paymentId, purchaseId, nonce }
}

describe('when the primary dies under load and its standby takes over', () => {
  it.each(Array.from({ length: ROUNDS }, (_, round) => round + 1))(
    'nothing that was acknowledged is lost, nothing is paid twice, and the old primary is refused (round %i)',
    async () => {
      await using pair = await startPair({ synchronous: true })
      await using here = await stage(pair)
      here.load.start(AGENTS)
      await here.load.more(randomInt(20, 120))
      await pair.killPrimary()
      await pair.promote()
      await here.load.more(40)
      await here.load.stop()
      // Each looks for itself which server it may write to.
      const ready = async () => expect((await Promise.all(here.ledgers.map((ledger) => ledger.readiness()))).flat()).toEqual([])
      await vi.waitFor(ready, { timeout: 60_000 })

      for (const request of here.load.doubts) await repeat(here.ledgers[0], request)
      expect(await lost(pair.standby, here.load.acknowledged)).toEqual([])
      expect(await wrongBalances(pair.standby)).toEqual([])
      expect(await paidTwice(pair.standby)).toEqual([])
      expect(await here.ledgers[0].verifyReceipts()).toMatchObject({ ok: true })

      // The old primary comes back by a mistake, and the new one is away for a moment.
      await pair.primary.restart({ synchronous_standby_names: '' })
      await pair.standby.stop('fast')
      await vi.waitFor(async () => expect((await here.ledgers[0].readiness()).join()).toContain('deposed primary'), { timeout: 60_000 })
      await expect(here.ledgers[0].openSession(make.session())).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
      await expect(openLedger({ url: pair.standby.url(DATABASE), runId: 'run_c' })).rejects.toThrow('no server that may be written to')
      await pair.standby.restart()
      await vi.waitFor(async () => expect(await here.ledgers[0].readiness()).toEqual([]), { timeout: 60_000 })
    },
    ROUND_MS,
  )
})

describe('a primary that waits for no standby', () => {
  it(
    'is refused at the start, and taken with a warning where the operator says so',
    async () => {
      await using pair = await startPair({ synchronous: false })
      await expect(stage(pair)).rejects.toThrow(/waits for no standby.*unsafeAsyncReplication/)
      await pair.primary.query(`DROP DATABASE ${DATABASE}`)
      await using here = await stage(pair, true)
      expect(here.told).toContainEqual(expect.stringContaining('waits for no standby'))
      expect(await here.ledgers[0].readiness()).toEqual([])
    },
    ROUND_MS,
  )

  it(
    'loses what it acknowledged when it dies: that is why it is refused; whoever knows better does not pay on',
    async () => {
      await using pair = await startPair({ synchronous: false })
      await using here = await stage(pair, true)
      const id = (await here.ledgers[0].openSession(make.session())).id
      await pair.standbyShows(`SELECT 1 FROM pg_database WHERE datname = '${DATABASE}'`)
      await vi.waitFor(async () =>
        expect(await pair.standby.query(`SELECT 1 FROM purser.sessions WHERE id = '${id}'`, DATABASE)).toHaveLength(1),
      )
      await pair.cutOff()
      here.load.start(AGENTS)
      await here.load.more(100)
      await pair.killPrimary()
      await pair.promote()
      const loadEnds = here.load.stop()
      expect((await lost(pair.standby, here.load.acknowledged)).length).toBeGreaterThan(0)
      await vi.waitFor(async () => expect((await here.ledgers[0].readiness()).join()).toContain('that were acknowledged'), {
        timeout: 60_000,
      })
      await loadEnds
      await expect(here.ledgers[1].openSession(make.session())).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
    },
    ROUND_MS,
  )
})

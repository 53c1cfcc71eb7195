/**
 * No crash loses or doubles a payment: the real program, killed with SIGKILL at every named place on the way of a
 * payment, on SQLite and on PostgreSQL, against the official paid servers and a real chain. Two kills for each place;
 * PURSER_CRASHES=20 or 200 makes more, PURSER_SEED repeats a run.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WAYPOINTS, type Waypoint } from '../../src/waypoints.ts'
import { killWhilePeopleDecide } from './beside.ts'
import { Lane } from './lane.ts'
import { type LedgerKind, ledgerOf } from './ledgers.ts'
import { randomOf } from './random.ts'
import { finish, killAt } from './run.ts'
import { SCENARIOS } from './scenarios.ts'
import { startWorld, type World } from './world.ts'

const KILLS = Math.max(1, Math.ceil(Number(process.env.PURSER_CRASHES ?? 2) / 2))
const SEED = Number(process.env.PURSER_SEED ?? Date.now() % 1_000_000)
/** At these places only, separated by commas: for finding out. */
const ONLY = process.env.PURSER_WAYPOINT?.split(',')
/** Two minutes alone on two cores; others may be at work there. */
const TIMEOUT_MS = 900_000 * KILLS

let world: World
const started = new AsyncDisposableStack()

beforeAll(async () => {
  world = started.use(await startWorld())
})
afterAll(() => started.disposeAsync())

/** Those that wait for a window to close come last, so that the end need not wait for it once more. */
function placesOf(kind: LedgerKind, shuffle: <T>(items: readonly T[]) => T[]): Waypoint[] {
  const here = WAYPOINTS.filter((name) => (SCENARIOS[name].only ?? kind) === kind && (ONLY?.includes(name) ?? true))
  const late = here.filter((name) => SCENARIOS[name].late)
  return [...shuffle(here.filter((name) => !late.includes(name))), ...late]
}

/** Ends at the first thing that is wrong, so that what led to it is fresh. */
async function killEverywhere(kind: LedgerKind): Promise<string[]> {
  const random = randomOf(SEED + (kind === 'sqlite' ? 0 : 1))
  await using place = new AsyncDisposableStack()
  const lane = place.use(await Lane.open({ world, ...(await ledgerOf(kind, place)) }))
  for (let round = 0; round < KILLS; round++) {
    for (const waypoint of placesOf(kind, random.shuffle)) {
      const began_ms = performance.now()
      const wrong = await killAt(lane, { waypoint, pass: round === 0 ? 1 : 1 + random.below(3) })
      if (process.env.PURSER_VERBOSE) console.log(kind, waypoint, Math.round(performance.now() - began_ms))
      if (wrong.length > 0) return wrong
    }
  }
  const wrong = await finish(lane)
  return wrong
}

describe(`killed at each of ${WAYPOINTS.length} places (seed ${SEED})`, () => {
  it.concurrent.each([
    ['SQLite', 'sqlite'],
    ['PostgreSQL', 'postgres'],
  ] as const)(
    '%s: no receipt is lost, nothing is paid twice, no money is forgotten',
    async (_name, kind) => {
      expect(await killEverywhere(kind), `PURSER_SEED=${SEED} does the same again`).toEqual([])
    },
    TIMEOUT_MS,
  )

  it.concurrent.each([
    ['its successor on SQLite', 'sqlite'],
    ['the replica beside it on PostgreSQL', 'postgres'],
  ] as const)(
    'in the middle of a question, a veto window and one that is vetoed: %s pays two of them once, and the third never',
    async (_name, kind) => {
      expect(await killWhilePeopleDecide(world, kind)).toEqual([])
    },
    TIMEOUT_MS,
  )
})

/** For each waypoint what an agent or an operator does so that it is passed, and when the process has to be armed for it. */
import type { Waypoint } from '../../src/waypoints.ts'
import type { Lane } from './lane.ts'
import { GAMBLE, HIRE, HIRE_LATE, TELL, TELL_LONG } from './people.ts'

export interface Scenario {
  /** Runs before the process is armed. */
  readonly before?: (lane: Lane) => Promise<unknown>
  /** Passes the waypoint at least once, in a process that is armed; may end in the middle. */
  readonly act: (lane: Lane) => Promise<unknown>
  /** The process dies in its first moments: `before` prepares what it finds, `act` ends the one before. */
  readonly atStart?: true
  /** One process passes it no second time. */
  readonly once?: true
  /** Only this ledger passes it. */
  readonly only?: 'sqlite' | 'postgres'
  /** Waits until a window has closed. */
  readonly late?: true
}

/** Made in one go, because each wait for a window takes as long as the window. */
const LATE = 4

const buy: Scenario = { act: (lane) => lane.buy(lane.world.fresh()) }
const buyKeyed: Scenario = { act: (lane) => lane.buy(lane.world.fresh(), { keyed: true }) }
const buyRejected: Scenario = { act: (lane) => lane.buy(lane.world.evil('settle-500')) }
const buyInVain: Scenario = { act: async (lane) => lane.buy(await lane.world.vanishing()) }
/** The agent hears nothing although the money moved, and asks again. */
const buyTwice: Scenario = {
  act: async (lane) => {
    await lane.buy(lane.world.evil('settle-reset'))
    const bought = lane.purchases.at(-1)
    if (bought) await lane.askFor(bought)
  },
}
const askTwice: Scenario = {
  act: async (lane) => {
    await lane.buy(lane.world.fresh(), { keyed: true })
    const bought = lane.purchases.at(-1)
    if (bought) await lane.askFor(bought)
  },
}
const reset: Scenario = { act: (lane) => lane.buy(lane.world.fresh(), { reset: true }) }
const withPeople = (headers: readonly string[]): Scenario => ({ act: (lane) => lane.buy(lane.world.fresh(), { headers }) })
const hire = withPeople(HIRE)
const tell = withPeople(TELL)
const tellLong = withPeople(TELL_LONG)
const refused: Scenario = { act: (lane) => lane.buy(lane.world.fresh(), { headers: ['Purser-Pay', 'never'] }) }

/** The chain cannot be asked until the window has closed; then the agent asks again. */
const askLate: Scenario = {
  late: true,
  once: true,
  before: async (lane) => {
    lane.gate.set('down')
    if (lane.stale.length > 0) return
    for (let i = 0; i < LATE; i++) {
      await lane.buy(lane.world.evil('reset'))
      lane.stale.push(...lane.purchases.slice(-1))
    }
    await lane.untilWindowsClosed()
  },
  act: async (lane) => {
    const bought = lane.stale.pop()
    if (bought) await lane.askFor(bought)
  },
}

/** An operator's call on a session that has paid once. The answer is lost with the process. */
function operate(path: (id: string) => string, body: Record<string, unknown> = {}): Scenario {
  let credentials = ''
  return {
    before: async (lane) => {
      credentials = await lane.openSession()
      await lane.buy(lane.world.fresh(), { credentials })
    },
    act: (lane) => lane.process.admin(path(credentials.split(':')[0] ?? ''), { method: 'POST', body }).catch(() => undefined),
  }
}

/** The process before leaves a payment whose outcome nobody knows. */
function leaves(mode: string): Scenario {
  return {
    atStart: true,
    once: true,
    before: (lane) => lane.buy(lane.world.evil(mode)),
    act: async (lane) => lane.process.kill(),
  }
}

/** The process before dies in the middle of a payment. */
const dies: Scenario = {
  atStart: true,
  once: true,
  before: (lane) => lane.process.arm({ waypoint: 'recorded', pass: 1 }),
  act: (lane) => lane.buy(lane.world.fresh()),
}

export const SCENARIOS: Readonly<Record<Waypoint, Scenario>> = {
  'request admitted': buy,
  'request forwarded': buy,
  '402 arrived': buy,
  '402 read': buy,
  'challenge understood': buy,
  'body complete': buy,
  'bars passed': buy,
  'before joining': buy,
  joined: buy,
  'stored answer found': askTwice,
  'before asking the chain': askLate,
  'chain asked': askLate,
  'presenting again': buyTwice,
  quoted: buy,
  judged: buy,
  'people asked': hire,
  'people heard': hire,
  'approval claimed': hire,
  'challenge asked for again': { ...withPeople(HIRE_LATE), once: true },
  'owner alerted': withPeople(GAMBLE),
  'window opening': tell,
  'window opened': tell,
  'window ending': tell,
  'window ended': tell,
  'window left': tellLong,
  'window passed': tellLong,
  'before freeing': tellLong,
  freed: tellLong,
  'before reserving': buy,
  holding: buy,
  'hold written': buy,
  'refusal written': refused,
  reserved: buy,
  'purchase held': buy,
  'rows locked': { ...buy, only: 'postgres' },
  'changes sent': { ...buy, only: 'postgres' },
  'before the commit': buy,
  committed: buy,
  'mark reached': { ...buy, only: 'sqlite' },
  'note taken': buy,
  'receipt written': buy,
  'before signing': buy,
  signed: buy,
  'authorization written': buy,
  recorded: buy,
  'before sending': buy,
  'window checked': buy,
  'sending noted': buy,
  'request on the wire': buy,
  'answer arrived': buy,
  'settlement read': buy,
  'settlement written': buy,
  posted: buy,
  'unknown written': buyRejected,
  'left unknown': buyRejected,
  'before voiding': buyInVain,
  'void written': buyInVain,
  voided: buyInVain,
  'before the answer': buy,
  'bytes passed on': buy,
  'answer ended': buy,
  'answer handed over': buy,
  'before keeping the answer': buyKeyed,
  'answer sealed': buyKeyed,
  'answer kept': buyKeyed,
  'delivery written': buy,
  delivered: buy,
  'purchase let go': buy,
  'before reopening': reset,
  'reopening written': reset,
  reopened: reset,
  'cap raised': operate((id) => `/v1/sessions/${id}/topup`, { amount: '1.00' }),
  'session ending': operate((id) => `/v1/sessions/${id}/close`),
  'session ended': operate((id) => `/v1/sessions/${id}/revoke`),
  'taking over': dies,
  'taken over': dies,
  claimed: leaves('reset'),
  'before resolving': leaves('settle-500'),
  'resolution written': leaves('settle-500'),
  resolved: leaves('settle-500'),
  'put off': leaves('reset'),
  'checkpoint signed': { act: stopAfterBuying, once: true },
  'checkpoint written': { act: stopAfterBuying, once: true },
}

/** A graceful stop seals what was written. */
async function stopAfterBuying(lane: Lane): Promise<void> {
  await lane.buy(lane.world.fresh())
  await lane.process.stop()
}

/**
 * The clock guard: what we sign lives by the chain's time, so nothing is signed while the local clock and the time of an
 * advancing chain are far apart. The chain's time is carried on by the monotonic clock, so that a wall clock that jumps
 * is caught at the very next signature. A chain that stands still, or that cannot be asked, says nothing.
 */
import type { Chain, ChainTime } from '../chain/chain.ts'
import { type Clock, type Pause, systemPause } from '../clock.ts'
import type { Refusal } from '../errors.ts'
import { CHAIN_TIME_INTERVAL_MS, CHAIN_TIME_LIFETIME_MS, MAX_CHAIN_SKEW_MS } from '../limits.ts'
import type { Events } from '../telemetry/events.ts'

export interface ClockGuardDeps {
  readonly chain: Pick<Chain, 'networks' | 'time'>
  readonly clock: Clock
  readonly events: Pick<Events, 'warned'>
  /** Waits between two looks; resolves or rejects early when the signal comes. */
  readonly pause?: Pause
}

export interface ClockGuard {
  /** Looks until `stop`, the first time at once. */
  start(): void
  stop(): Promise<void>
  /** Asks every network for its time once. */
  look(): Promise<void>
  /** Why nothing may be signed for this network now; undefined where the clocks agree or nobody can tell. */
  bar(network: string): Refusal | undefined
}

interface Observation extends ChainTime {
  /** By the monotonic clock: when the look began that saw this block first. */
  readonly seenAt: number
}

interface Watch {
  /** The newest block that was seen. */
  readonly newest: Observation
  /** The newest block that was seen to follow another one: only then does the chain keep time. */
  readonly advanced: Observation | undefined
}

export function createClockGuard({ chain, clock, events, pause = systemPause }: ClockGuardDeps): ClockGuard {
  const watches = new Map<string, Watch>()
  const warned = new Set<string>()
  const stopped = new AbortController()
  let loop: Promise<void> | undefined

  const warnOnce = (what: string, holds: boolean, sentence: () => string, cause?: unknown) => {
    if (!holds) warned.delete(what)
    else if (!warned.has(what)) {
      warned.add(what)
      events.warned(sentence(), cause)
    }
  }
  const bar = (network: string): Refusal | undefined => {
    const chainNow = timeOn(watches.get(network)?.advanced, clock.monotonic())
    const now = clock.now()
    return chainNow === undefined || Math.abs(now - chainNow) <= MAX_CHAIN_SKEW_MS ? undefined : refusal(network, now, chainNow)
  }
  const lookAt = async (network: string): Promise<void> => {
    try {
      const seenAt = clock.monotonic()
      const time = await chain.time(network)
      watches.set(network, follow(watches.get(network), { ...time, seenAt }))
      warnOnce(`${network} time`, false, () => '')
    } catch (fault) {
      warnOnce(`${network} time`, true, () => `The time of ${network} cannot be asked for, so that the clock is not checked.`, fault)
    }
    const skew = bar(network)
    warnOnce(`${network} skew`, skew !== undefined, () => `Nothing is signed for ${network}. ${skew?.detail}`)
  }
  const look = async () => void (await Promise.all(chain.networks.map(lookAt)))
  const run = async () => {
    while (!stopped.signal.aborted) {
      await look()
      await pause(CHAIN_TIME_INTERVAL_MS, stopped.signal).catch(() => undefined)
    }
  }
  return {
    start: () => {
      loop ??= run()
    },
    stop: async () => {
      stopped.abort()
      await loop
    },
    look,
    bar,
  }
}

/** A chain keeps time if a newer block has a later time. One server of several may lag: older blocks say nothing new. */
function follow(watch: Watch | undefined, seen: Observation): Watch {
  if (!watch) return { newest: seen, advanced: undefined }
  const { newest, advanced } = watch
  if (seen.block <= newest.block) return watch
  if (seen.time_s === newest.time_s) return { newest: seen, advanced }
  return { newest: seen, advanced: seen.time_s > newest.time_s ? seen : undefined }
}

/** Milliseconds since 1970 on the chain, carried on; undefined where the last step is too long ago to tell. */
function timeOn(advanced: Observation | undefined, monotonic: number): number | undefined {
  if (!advanced) return undefined
  const elapsed = monotonic - advanced.seenAt
  return elapsed > CHAIN_TIME_LIFETIME_MS ? undefined : advanced.time_s * 1000 + elapsed
}

function refusal(network: string, now: number, chainNow: number): Refusal {
  const detail =
    `The local clock says ${new Date(now).toISOString()}, the chain ${network} says ${isoOf(chainNow)}: more than ` +
    `${MAX_CHAIN_SKEW_MS / 1000} s apart. Set the machine’s clock, for example by NTP. Nothing was paid.`
  return { code: 'clock_skew', detail, moneyState: 'none' }
}

function isoOf(time: number): string {
  return new Date(Math.floor(time)).toISOString()
}

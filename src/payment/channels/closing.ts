/** The loop that closes channels, beside the one that proves payments: a receiver that answers slowly keeps no proof waiting. */
import { CLOSING_BATCH, CLOSING_INTERVAL_MS, CLOSING_RETRY_MS } from '../../channel-limits.ts'
import { type Pause, systemPause } from '../../clock.ts'
import type { Channel } from '../../ledger/channels.ts'
import { type CloseDeps, lookIntoClosing } from './close.ts'

export interface ClosingDeps extends CloseDeps {
  /** Waits between two rounds; resolves or rejects early when the signal comes. */
  readonly pause?: Pause
}

export interface Closing {
  /** Rounds until `stop`, the first one at once. */
  start(): void
  /** Resolves when the look that runs is over. */
  stop(): Promise<void>
  /** One look at each channel that is due, as far as the bound allows; those that are closed now. */
  round(): Promise<readonly Channel[]>
}

export function createClosing({ pause = systemPause, ...deps }: ClosingDeps): Closing {
  const stopping = new AbortController()
  let loop: Promise<void> | undefined

  async function round(): Promise<readonly Channel[]> {
    const closed: Channel[] = []
    for (let looks = 0; looks < CLOSING_BATCH && !stopping.signal.aborted; looks++) {
      // One at a time: the claim is good for one look.
      const [channel] = await deps.ledger.channels.claimClosing(1)
      if (!channel) break
      closed.push(...(await look(deps, channel)))
    }
    return closed
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await round().catch((fault: unknown) => {
        if (deps.memory.isNews('', String(fault))) deps.events.warned('Channels cannot be closed now; it is tried again.', fault)
      })
      await pause(CLOSING_INTERVAL_MS, stopping.signal).catch(() => undefined)
    }
  }

  return {
    start: () => {
      loop ??= run()
    },
    stop: async () => {
      stopping.abort()
      await loop
    },
    round,
  }
}

/** What fails is said once, and tried again. */
async function look(deps: CloseDeps, channel: Channel): Promise<Channel[]> {
  const { ledger, clock, events, memory } = deps
  try {
    const closed = await lookIntoClosing(deps, channel)
    return closed ? [closed] : []
  } catch (fault) {
    const reason = fault instanceof Error ? fault.message : String(fault)
    if (memory.isNews(channel.id, reason))
      events.warned(`What is left in channel ${channel.id} cannot be claimed back yet; it is tried again. ${reason}`, fault)
    await ledger.channels.putOff(channel.id, clock.now() + CLOSING_RETRY_MS)
    return []
  }
}

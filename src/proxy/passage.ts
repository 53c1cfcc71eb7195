/** A passage: one CONNECT of an agent, from its request to the line that tells how it ended. */
import type { Clock, Ids } from '../clock.ts'
import type { Code } from '../errors.ts'
import type { RawHeaders } from '../http.ts'
import type { Mode } from '../session/exchange.ts'
import type { Session } from '../session/session.ts'
import type { Events, ExchangeOutcome } from '../telemetry/events.ts'
import { type ConnectTarget, formatAuthority } from './connect-target.ts'

export interface Passage {
  readonly exchangeId: string
  readonly target: ConnectTarget
  /** The headers of the CONNECT request. */
  readonly credentials: RawHeaders
  /** Monotonic. */
  readonly startedAt_ms: number
  readonly session?: Session
}

export interface PassageEnd {
  readonly mode: Mode
  readonly outcome: ExchangeOutcome
  readonly status: number
  /** To the agent. */
  readonly bytes?: number
  readonly code?: Code
  readonly extra?: Readonly<Record<string, string | number>>
}

/** Tells how passages and the requests refused inside them ended: one line each. */
export interface PassageLog {
  ended(passage: Passage, end: PassageEnd): void
  /** A request inside an intercepted connection that was refused before it could become an exchange. */
  refusedInside(
    passage: Passage,
    request: { readonly method: string; readonly path: string; readonly status: number; readonly code: Code },
  ): void
}

export function createPassageLog({
  events,
  clock,
  ids,
}: {
  readonly events: Pick<Events, 'exchangeEnded'>
  readonly clock: Clock
  readonly ids: Ids
}): PassageLog {
  const known = ({ session }: Passage) => (session === undefined ? {} : { sessionId: session.id, agent: session.agent })
  return {
    ended(passage, { bytes = 0, ...end }) {
      const { exchangeId, target, startedAt_ms } = passage
      const label = `tcp://${formatAuthority(target)}`
      const duration_ms = clock.monotonic() - startedAt_ms
      events.exchangeEnded({ exchangeId, method: 'CONNECT', target: label, duration_ms, bytes, ...end, ...known(passage) })
    },
    refusedInside(passage, { method, path, status, code }) {
      const target = targetOf(passage.target, path)
      const line = { mode: 'intercept', outcome: 'refused', method, target, status, code, duration_ms: 0, bytes: 0 } as const
      events.exchangeEnded({ exchangeId: ids('exc'), ...line, ...known(passage) })
    },
  }
}

/** As the exchange's own lines write it: the usual port and the query left out. */
function targetOf(target: ConnectTarget, path: string): string {
  const authority = formatAuthority(target).replace(/:443$/, '')
  return `https://${authority}${path.startsWith('/') ? path.split('?', 1)[0] : '/'}`
}

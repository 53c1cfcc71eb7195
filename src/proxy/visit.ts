/** A visit: one request at our door, from the moment it is read to the one line that tells how it ended. */
import type { Clock } from '../clock.ts'
import type { Code, Refusal } from '../errors.ts'
import { headerValue, type RawHeaders } from '../http.ts'
import type { Session } from '../session/session.ts'
import type { Events, ExchangeOutcome } from '../telemetry/events.ts'
import type { AgentRequest, Door } from './door.ts'
import { readTrace } from './hints.ts'
import type { Reply } from './reply.ts'
import { refusalAnswer } from './respond.ts'
import type { Run } from './running.ts'
import type { Target } from './target.ts'

/** How an exchange ended, as far as its line tells. */
export interface Told {
  readonly outcome: ExchangeOutcome
  readonly code?: Code | undefined
  readonly session?: Session | undefined
  readonly target?: Target | undefined
}

export interface Visit extends Run {
  /** Monotonic. */
  readonly started_ms: number
  readonly request: AgentRequest
  readonly reply: Reply
  readonly door: Door
  /** The payment flow's fields of the line. */
  readonly line: Record<string, string | number>
  /** Goes upstream in the place of the agent's, where traces are kept. */
  readonly traceparent: string | undefined
}

export interface RefuseVisit {
  readonly refusal: Refusal
  readonly headers?: RawHeaders | undefined
  readonly session?: Session | undefined
  readonly target?: Target | undefined
  /** `refused` unless said otherwise. */
  readonly outcome?: ExchangeOutcome
}

/** Answers with a refusal, or breaks the answer off where it had begun. */
export function refuse({ reply, door }: Pick<Visit, 'reply' | 'door'>, said: RefuseVisit): Told {
  const { headers, session, target, outcome = 'refused' } = said
  const refusal = session && said.refusal.sessionId === undefined ? { ...said.refusal, sessionId: session.id } : said.refusal
  if (reply.begun) {
    reply.breakOff()
  } else {
    const answer = refusalAnswer(refusal, { mode: door.mode, headers })
    if (refusal.code === 'request_invalid') reply.last()
    reply.head(answer.status, answer.headers)
    reply.end(reply.method === 'HEAD' ? undefined : answer.body)
  }
  return { outcome, code: refusal.code, session, target }
}

/** The exchange's one line. */
export function tell({ events, clock }: { readonly events: Events; readonly clock: Clock }, visit: Visit, told: Told): void {
  const { id, started_ms, request, door, reply, line } = visit
  const { session, code, outcome, target } = told
  events.exchangeEnded({
    exchangeId: id,
    mode: door.mode,
    outcome: reply.gone && outcome === 'passed' ? 'aborted' : outcome,
    method: reply.method,
    target: target?.label ?? '',
    status: reply.status,
    duration_ms: clock.monotonic() - started_ms,
    bytes: reply.bytes,
    ...(session && { sessionId: session.id, agent: session.agent }),
    ...(code && { code }),
    ...readTrace(headerValue(request.rawHeaders, 'traceparent')),
    ...(Object.keys(line).length > 0 && { extra: line }),
  })
}

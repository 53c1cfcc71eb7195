/**
 * Payments inside MCP: between the proxy and the payment flow stands a call of a tool instead of a request. Its challenge
 * becomes the 402 that the flow knows, the payment becomes a member of the repeated call, and what the response says of
 * the settlement becomes a header again. Events before the response go on to the agent as they come.
 */
import { type Answer, discard, type RawHeaders } from '../http.ts'
import type { OnPaymentRequired, PaidAnswer, PaidRequest, Reask, Send, SendResult, UnpaidAnswer } from '../session/exchange.ts'
import { CALL_TIMEOUT_MS, MAX_PAID_MESSAGE_BYTES, MAX_UNPAID_MESSAGE_BYTES } from '../tool-limits.ts'
import type { Forwardable } from './admit.ts'
import { readAnswerHeaders, withHeaders } from './headers.ts'
import { type AskControl, type Asked, ask } from './incoming-answer.ts'
import type { KeptRequest } from './paid-send.ts'
import { stream } from './pass.ts'
import { deliver } from './payment-required.ts'
import type { Reply } from './reply.ts'
import { type Heard, isEvents, listen, mayRespond, messageIn } from './tool-answer.ts'
import { readToolCall, type ToolCall } from './tool-call.ts'
import type { ToolDialect } from './tool-dialect.ts'
import { answerWith, forAgent, refuseCall, TOOL_FAILED } from './tool-reply.ts'
import { readUnpaid } from './unpaid-answer.ts'
import { refuse, type Told, type Visit } from './visit.ts'

export interface CallDeps {
  readonly onPaymentRequired: OnPaymentRequired
  readonly dialect: ToolDialect
}

export interface CallAttempt {
  readonly visit: Visit
  readonly admitted: Forwardable
  readonly kept: KeptRequest
  /** Of a connection that is in use. */
  readonly request: () => PaidRequest
}

/** Undefined: the body holds something else, and goes on as it is. Rejects as the unpaid request itself, where it fails. */
export async function payForCall(deps: CallDeps, attempt: CallAttempt): Promise<Told | undefined> {
  const { visit, admitted, kept } = attempt
  const { session, target } = admitted
  const body = await kept.body.ended().catch(() => undefined)
  if (!body) return { outcome: 'aborted', session, target }
  const bytes = body.replayable ? kept.body.replay() : null
  if (!(bytes instanceof Uint8Array)) {
    const detail = 'The body was longer than it said.'
    return refuse(visit, { refusal: { code: 'body_too_large_to_replay', detail }, session, target })
  }
  const read = readToolCall(bytes)
  if (read.kind === 'other') return undefined
  if (read.kind === 'fault') return refuse(visit, { refusal: { code: 'request_invalid', detail: read.detail }, session, target })
  const { call } = read
  const own = deps.dialect.metaKeys.find((key) => call.metaKeys.has(key))
  if (own !== undefined) {
    const refusal = { code: 'payment_header_forbidden', detail: `The call carried ${own} in its _meta.` } as const
    return refuseCall(visit, call, { refusal, session, target })
  }
  const unpin = kept.lane.pin()
  try {
    return await new Calling(deps, { ...attempt, call }).run()
  } finally {
    unpin()
  }
}

/** One call, from its first way upstream to the agent's answer. */
class Calling {
  readonly #deps: CallDeps
  readonly #attempt: CallAttempt
  readonly #call: ToolCall
  readonly #reply: Reply
  #times = 0

  constructor(deps: CallDeps, { call, ...attempt }: CallAttempt & { readonly call: ToolCall }) {
    this.#deps = deps
    this.#attempt = attempt
    this.#call = call
    this.#reply = attempt.visit.reply
  }

  async run(): Promise<Told> {
    const { session, target } = this.#attempt.admitted
    const asked = await this.#ask(Buffer.from(this.#call.bytes), [], { signal: this.#reply.signal })
    if (asked.kind === 'failed') {
      if (this.#reply.gone) return { outcome: 'aborted', session, target }
      throw asked.fault
    }
    const { answer } = asked
    try {
      const { unpaid, heard, inside } = await this.#challengeIn(answer)
      return (unpaid && (await this.#pay(unpaid, inside))) ?? (await this.#passOn(answer, heard))
    } finally {
      discard(answer)
    }
  }

  /** The 402 that an answer is, or stands for; and what was read of it. */
  async #challengeIn(answer: Answer): Promise<{ unpaid?: UnpaidAnswer; heard: Pick<Heard, 'held' | 'whole'>; inside: boolean }> {
    if (answer.status === 402) {
      const { unpaid, raw, whole } = await readUnpaid(answer)
      return { unpaid, heard: { held: Buffer.from(raw), whole }, inside: false }
    }
    if (!mayRespond(answer)) return { heard: { held: Buffer.alloc(0), whole: false }, inside: false }
    const heard = await this.#listen(answer, { id: this.#call.idValue, max_bytes: MAX_UNPAID_MESSAGE_BYTES })
    const asked = heard.response === undefined ? undefined : this.#deps.dialect.challengeIn(heard.response)
    return { ...(asked && { unpaid: { status: 402, ...asked } }), heard, inside: true }
  }

  /** Undefined where no payment protocol claims the challenge. */
  async #pay(unpaid: UnpaidAnswer, inside: boolean): Promise<Told | undefined> {
    const { visit, admitted, request } = this.#attempt
    const { session, target } = admitted
    const asked = this.#asked(request())
    const outcome = await this.#deps.onPaymentRequired(asked, unpaid, this.#sending(inside), this.#reask)
    if (outcome.kind === 'pass') return undefined
    if (outcome.kind === 'refuse') return refuseCall(visit, this.#call, { ...outcome, session, target })
    await this.#deliver(outcome)
    return { outcome: 'paid', session, target }
  }

  /** One path serves all tools of a server, so nothing about the next call follows from this one. */
  #asked(request: PaidRequest): PaidRequest {
    const { tool, digest } = this.#call
    const hints = request.hints.tool === undefined && tool !== undefined ? { ...request.hints, tool } : request.hints
    return { ...request, hints, singular: true, body: async () => ({ ...(await request.body()), digest }) }
  }

  #sending(inside: boolean): Send {
    const { dialect } = this.#deps
    return async ({ set, beforeSend }) => {
      const carried = inside ? dialect.carried(set) : { member: undefined, rest: set }
      if (!carried) return { kind: 'failed', sent: false, code: 'scheme_not_supported', detail: 'This payment cannot go inside a call.' }
      const id = this.#freshId()
      const asked = await this.#ask(this.#call.again(id, carried.member), carried.rest, { beforeSend })
      if (asked.kind === 'answer') return this.#paidResult(asked.answer, id)
      return { kind: 'failed', sent: asked.sent, code: asked.fault.refusalCode, detail: asked.fault.detail }
    }
  }

  /** The flow's answer: what the response says, as a status and headers. */
  async #paidResult(answer: Answer, id: string): Promise<SendResult> {
    if (!mayRespond(answer)) return { kind: 'answer', answer }
    try {
      const { response, held, whole } = await this.#listen(answer, { id, max_bytes: MAX_PAID_MESSAGE_BYTES })
      discard(answer)
      if (response !== undefined) return { kind: 'answer', answer: this.#asAnswer(response, answer) }
      if (whole && !isEvents(answer)) return { kind: 'answer', answer: answerWith(held, answer) }
      return lost(whole ? 'The stream ended without a response to the paid call.' : 'The response to the paid call was too large.')
    } catch (fault) {
      return lost(`The answer to the paid call broke off: ${fault instanceof Error ? fault.message : 'unknown'}.`)
    }
  }

  #asAnswer(response: string, { headers }: Answer): Answer {
    const { dialect } = this.#deps
    const status = dialect.challengeIn(response) ? 402 : hasFailed(response) ? TOOL_FAILED : 200
    return answerWith(response, { status, headers: withHeaders(without(headers, ['content-encoding']), dialect.settlementIn(response)) })
  }

  readonly #reask: Reask = async () => {
    const id = this.#freshId()
    const asked = await this.#ask(this.#call.again(id), [], { signal: this.#reply.signal })
    if (asked.kind === 'failed') return undefined
    const { answer } = asked
    try {
      if (answer.status === 402) return (await readUnpaid(answer)).unpaid
      if (!mayRespond(answer)) return undefined
      const listening = { id, max_bytes: MAX_UNPAID_MESSAGE_BYTES, timeout_ms: CALL_TIMEOUT_MS, passOn: () => undefined }
      const { response } = await listen(answer, listening)
      const again = response === undefined ? undefined : this.#deps.dialect.challengeIn(response)
      return again && { status: 402, ...again }
    } catch {
      return undefined
    } finally {
      discard(answer)
    }
  }

  /** Whoever listens for a response must be able to read it, so no codings are asked for. */
  #ask(body: Buffer, set: RawHeaders, control: AskControl): Promise<Asked> {
    const { lane, target, method, headers } = this.#attempt.kept
    const own = ['Accept-Encoding', 'identity', 'Content-Length', String(body.length)]
    return ask(lane, { target, method, headers: withHeaders(withHeaders(headers, own), set), body }, control)
  }

  #listen(answer: Answer, { id, max_bytes }: { readonly id: string | number; readonly max_bytes: number }): Promise<Heard> {
    return listen(answer, { id, max_bytes, timeout_ms: CALL_TIMEOUT_MS, passOn: (raw) => this.#event(answer, raw) })
  }

  /** An event that is not the response. The agent's stream begins with the first one. */
  #event(answer: Answer, raw: Buffer): Promise<void> | undefined {
    const reply = this.#reply
    if (!reply.begun) reply.head(answer.status, streamed(answer), answer.statusText)
    if (reply.write(raw) || reply.gone) return undefined
    return new Promise((resolve) => {
      reply.onDrain(resolve)
      reply.onGone(resolve)
    })
  }

  async #passOn(answer: Answer, { held }: Pick<Heard, 'held'>): Promise<Told> {
    const { session, target } = this.#attempt.admitted
    const reply = this.#reply
    const headers = isEvents(answer) ? streamed(answer) : readAnswerHeaders(answer.headers)
    const whole = await stream(answer, { reply, headers, first: held })
    return { outcome: whole || reply.gone ? 'passed' : 'failed', session, target }
  }

  async #deliver(outcome: PaidAnswer): Promise<void> {
    const { status } = outcome.answer
    let answer: Answer
    try {
      answer = await forAgent(outcome.answer, this.#call, this.#reply)
    } catch (fault) {
      await outcome.delivered({ status, bytes: 0, complete: false })
      throw fault
    }
    await deliver({ ...outcome, answer, delivered: (delivery) => outcome.delivered({ ...delivery, status }) }, this.#reply)
  }

  #freshId(): string {
    this.#times++
    return `${this.#attempt.visit.id}.${this.#times}`
  }
}

/** Its length is not known before its end, which may come from another answer. */
function streamed({ headers }: Answer): RawHeaders {
  return without(headers, ['content-length'])
}

/** As the agent may see them, but for these. */
function without(headers: RawHeaders, names: readonly string[]): RawHeaders {
  const kept = readAnswerHeaders(headers)
  return kept.filter((_, at) => !names.includes(kept[at - (at % 2)]?.toLowerCase() ?? ''))
}

function hasFailed(response: string): boolean {
  const { result, error } = messageIn(response) ?? {}
  if (error !== undefined) return true
  return typeof result === 'object' && result !== null && 'isError' in result && result.isError === true
}

function lost(detail: string): SendResult {
  return { kind: 'failed', sent: true, code: 'upstream_unreachable', detail }
}

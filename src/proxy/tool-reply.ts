/**
 * What an agent gets for a call of a tool: always a response to its own id, and an event where its stream has begun. A
 * refusal is a tool's result with `isError`, which clients hand on to the model; an HTTP status they would not.
 */
import { Readable } from 'node:stream'
import { describe, type Refusal } from '../errors.ts'
import { type Answer, headerValue, type RawHeaders } from '../http.ts'
import { problem } from '../session/problem.ts'
import { CALL_TIMEOUT_MS, MAX_PAID_MESSAGE_BYTES } from '../tool-limits.ts'
import { eventOf } from './event-stream.ts'
import { withHeaders } from './headers.ts'
import { edited, membersOf } from './json-spans.ts'
import type { Reply } from './reply.ts'
import { refusalAnswer } from './respond.ts'
import { messageIn } from './tool-answer.ts'
import { isJson, type ToolCall } from './tool-call.ts'
import { readUnpaid } from './unpaid-answer.ts'
import type { RefuseVisit, Told, Visit } from './visit.ts'

/** In the place of a status of its own: the tool answered with an error. It goes to the agent as 200. */
export const TOOL_FAILED = 422
const PROBLEM_KEY = 'purser/problem'

/** Tells the agent why its call was refused. */
export function refuseCall({ reply, door }: Pick<Visit, 'reply' | 'door'>, call: ToolCall, said: RefuseVisit): Told {
  const { headers, session, target, outcome = 'refused' } = said
  const refusal = session && said.refusal.sessionId === undefined ? { ...said.refusal, sessionId: session.id } : said.refusal
  const text = `{"jsonrpc":"2.0","id":${call.id},"result":${JSON.stringify(refusedResult(refusal))}}`
  if (reply.begun) {
    reply.end(eventOf(text))
  } else {
    const bytes = Buffer.from(text)
    const { headers: usual } = refusalAnswer(refusal, { mode: door.mode, headers })
    reply.head(200, withHeaders(usual, jsonOf(bytes)))
    reply.end(bytes)
  }
  return { outcome, code: refusal.code, session, target }
}

function refusedResult(refusal: Refusal) {
  const { body } = problem(refusal)
  const { title, nextAction } = describe(refusal.code)
  const { retryAfter_s } = refusal
  const wait = retryAfter_s === undefined ? '' : ` Ask again after ${Math.max(0, Math.ceil(retryAfter_s))} s.`
  const money = MONEY[refusal.moneyState ?? 'none']
  const text = `${refusal.code}: ${title}. ${refusal.detail} ${money} ${refusal.nextAction ?? nextAction}${wait}`
  return { content: [{ type: 'text', text }], isError: true, _meta: { [PROBLEM_KEY]: body } }
}

const MONEY = {
  none: 'No money moved.',
  held: 'No money moved; it is set aside.',
  moved: 'The money moved.',
  unknown: 'Whether money moved is not known; it stays held.',
} as const

/** A whole answer that holds this text. */
export function answerWith(text: string | Buffer, { status, headers }: { readonly status: number; readonly headers: RawHeaders }): Answer {
  const bytes = Buffer.from(text)
  return {
    ...{ status, statusText: '', headers: withHeaders(headers, jsonOf(bytes)) },
    body: Readable.from([bytes], { objectMode: false }),
    arrived: () => bytes,
    trailers: () => [],
  }
}

/** An answer from the payment flow, kept ones included, as this agent has to get it. */
export async function forAgent(answer: Answer, call: ToolCall, reply: Reply): Promise<Answer> {
  const text = await responseIn(answer, call)
  if (text === undefined) return reply.begun ? asEvent(unreadable(answer, call), answer) : answer
  if (reply.begun) return asEvent(text, answer)
  return answerWith(text, { headers: answer.headers, status: answer.status === TOOL_FAILED ? 200 : answer.status })
}

/** The response with the agent's id; undefined where the answer holds none. Its body has been read then only where it says JSON. */
async function responseIn(answer: Answer, call: ToolCall): Promise<string | undefined> {
  if (!isJson(answer.headers) || headerValue(answer.headers, 'content-encoding') !== undefined) return undefined
  const { raw, whole } = await readUnpaid(answer, { max_bytes: MAX_PAID_MESSAGE_BYTES, timeout_ms: CALL_TIMEOUT_MS })
  const text = Buffer.from(raw).toString('utf8')
  return whole ? (withId(text, call.id) ?? text) : undefined
}

/** Undefined where the text is no response, or not in one way only. */
function withId(text: string, id: string): string | undefined {
  const message = messageIn(text)
  const span = message && ('result' in message || 'error' in message) ? membersOf(text)?.get('id') : undefined
  return span && edited(text, [{ ...span, text: id }])
}

function unreadable({ status }: Answer, { id }: ToolCall): string {
  const text = `The upstream answered the paid call with HTTP status ${status}.`
  return `{"jsonrpc":"2.0","id":${id},"error":{"code":-32000,"message":${JSON.stringify(text)}}}`
}

function asEvent(text: string, { headers }: Answer): Answer {
  return answerWith(eventOf(text), { status: 200, headers })
}

function jsonOf(bytes: Uint8Array): RawHeaders {
  return ['Content-Type', 'application/json', 'Content-Length', String(bytes.length)]
}

/** Listening for the response to one call of a tool: in a JSON body, or among the events of a stream, whose others go on at once. */
import type { Answer } from '../http.ts'
import { EventSplitter } from './event-stream.ts'
import { isJson, mediaType } from './tool-call.ts'
import { readUnpaid } from './unpaid-answer.ts'

export interface Listening {
  /** Of the call, as it went upstream. */
  readonly id: string | number
  /** Larger messages are not looked at. */
  readonly max_bytes: number
  readonly timeout_ms: number
  /** Gets every event before the response; what it waits for holds up the upstream. */
  passOn(raw: Buffer): Promise<void> | void
}

export interface Heard {
  /** JSON text of the response. Undefined: there is none in what was read, which is too large or something else. */
  readonly response: string | undefined
  /** What was read and not passed on. What comes after it is still in the answer's body. */
  readonly held: Buffer
  /** The body has ended. */
  readonly whole: boolean
}

/** Whether an answer may hold the response to a call. */
export function mayRespond(answer: Answer): boolean {
  return answer.status === 200 && (isJson(answer.headers) || isEvents(answer))
}

export function isEvents({ headers }: Pick<Answer, 'headers'>): boolean {
  return mediaType(headers) === 'text/event-stream'
}

/** Reads up to the response. Rejects where the answer breaks off before it. */
export async function listen(answer: Answer, listening: Listening): Promise<Heard> {
  if (isEvents(answer)) return listenToEvents(answer, listening)
  const { max_bytes, timeout_ms } = listening
  const { raw, whole, unpaid } = await readUnpaid(answer, { max_bytes, timeout_ms })
  const text =
    unpaid.body &&
    Buffer.from(unpaid.body)
      .toString('utf8')
      .replace(/^\uFEFF/, '')
  return { response: text !== undefined && isResponse(text, listening.id) ? text : undefined, held: Buffer.from(raw), whole }
}

async function listenToEvents(answer: Answer, { id, max_bytes, timeout_ms, passOn }: Listening): Promise<Heard> {
  const splitter = new EventSplitter()
  const { body } = answer
  const timer = setTimeout(() => body.destroy(new Error('no response within the time for a call')), timeout_ms)
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      const events = splitter.push(chunk)
      for (const [at, { raw, data }] of events.entries()) {
        if (data !== undefined && isResponse(data, id)) {
          const behind = events.slice(at + 1).map((event) => event.raw)
          return { response: data, held: Buffer.concat([raw, ...behind, splitter.pending]), whole: false }
        }
        await passOn(raw)
      }
      if (splitter.pending.length > max_bytes) return { response: undefined, held: splitter.pending, whole: false }
    }
  } finally {
    clearTimeout(timer)
  }
  return { response: undefined, held: splitter.pending, whole: true }
}

/** As a careless client would read it. */
function isResponse(text: string, id: string | number): boolean {
  const message = messageIn(text)
  return message !== undefined && message.id === id && ('result' in message || 'error' in message)
}

/** The object in a text; undefined where it holds anything else. */
export function messageIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/**
 * Passing an answer on, in two ways. `pass` is the hot path: the upstream's events are written straight into the agent's
 * answer, and only a 402 steps out of it. `stream` hands on an answer that was held back, from the byte it was held at.
 */
import type { Dispatcher } from 'undici'
import type { Answer, RawHeaders } from '../http.ts'
import { passing } from '../waypoints.ts'
import { type UpstreamFault, upstreamFault } from './connection.ts'
import { readAnswerHeaders } from './headers.ts'
import { IncomingAnswer, rawStrings } from './incoming-answer.ts'
import type { Lane } from './lane.ts'
import type { Reply } from './reply.ts'
import { atTurnsEnd } from './turns-end.ts'
import { dispatch, type UpstreamRequest } from './upstream.ts'

type Controller = Dispatcher.DispatchController

export type Passed =
  | { readonly kind: 'passed' }
  /** A 402, held back. The lane is pinned to the address that it came from until `unpin` is called. */
  | { readonly kind: 'unpaid'; readonly answer: Answer; readonly unpin: () => void }
  | { readonly kind: 'failed'; readonly fault: UpstreamFault }
  /** The agent went away. */
  | { readonly kind: 'aborted' }

export interface PassOptions {
  readonly lane: Lane
  readonly request: UpstreamRequest
  readonly reply: Reply
  /** Whether a 402 is held back. */
  readonly holds402: boolean
}

/** Asks once and passes the answer on as it comes. Resolves when it is written, held back or broken. */
export function pass(options: PassOptions): Promise<Passed> {
  return new Promise((resolve) => dispatch(options.lane, options.request, new Passing(options, resolve)))
}

class Passing implements Dispatcher.DispatchHandler {
  readonly #options: PassOptions
  readonly #resolve: (passed: Passed) => void
  #controller: Controller | undefined
  #held: IncomingAnswer | undefined

  constructor(options: PassOptions, resolve: (passed: Passed) => void) {
    this.#options = options
    this.#resolve = resolve
    options.reply.onGone(() => this.#abort())
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    if (this.#options.reply.gone) this.#abort()
  }

  onResponseStart(controller: Controller, status: number, _headers: unknown, statusText = ''): void {
    const { lane, reply, holds402 } = this.#options
    if (status < 200) {
      reply.inform(status, readAnswerHeaders(rawStrings(controller.rawHeaders)))
    } else if (status === 402 && holds402) {
      passing('402 arrived')
      this.#held = new IncomingAnswer(controller, { status, statusText })
      this.#resolve({ kind: 'unpaid', answer: this.#held, unpin: lane.pin() })
    } else {
      reply.head(status, readAnswerHeaders(rawStrings(controller.rawHeaders)), statusText)
    }
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#held) this.#held.data(chunk)
    else this.#write(controller, chunk)
  }

  onResponseEnd(controller: Controller): void {
    if (this.#held) {
      this.#held.end()
    } else {
      const trailers = readAnswerHeaders(rawStrings(controller.rawTrailers))
      atTurnsEnd(() => this.#options.reply.endWith(trailers))
      this.#resolve({ kind: 'passed' })
    }
  }

  onResponseError(_controller: unknown, cause: Error): void {
    const { lane, reply } = this.#options
    const fault = upstreamFault(lane.origin, cause)
    if (this.#held) {
      this.#held.fail(fault)
    } else if (reply.gone) {
      this.#resolve({ kind: 'aborted' })
    } else {
      if (reply.begun) reply.breakOff()
      this.#resolve({ kind: 'failed', fault })
    }
  }

  #write(controller: Controller, chunk: Buffer): void {
    const { reply } = this.#options
    if (reply.isLast(chunk)) {
      atTurnsEnd(() => reply.end(chunk))
    } else if (!reply.write(chunk)) {
      controller.pause()
      reply.onDrain(() => controller.resume())
    }
  }

  #abort(): void {
    this.#resolve({ kind: 'aborted' })
    if (!this.#held) this.#controller?.abort(new Error('the agent is gone'))
  }
}

export interface StreamOptions {
  readonly reply: Reply
  /** As the agent may see them. */
  readonly headers: RawHeaders
  /** What was read of the body already. */
  readonly first?: Uint8Array
}

/** Hands an answer on, after what has begun already. Resolves true when all of it was written, false when either side broke off. */
export async function stream(answer: Answer, { reply, headers, first }: StreamOptions): Promise<boolean> {
  const arrived = answer.arrived?.()
  const begin = arrived ?? first
  if (!reply.begun) reply.head(answer.status, headers, answer.statusText)
  if (begin && begin.length > 0) reply.write(begin)
  if (!arrived) return streamRest(answer, reply)
  reply.endWith(readAnswerHeaders(answer.trailers()))
  return !reply.gone
}

function streamRest(answer: Answer, reply: Reply): Promise<boolean> {
  const { body } = answer
  return new Promise((resolve) => {
    const end = () => {
      reply.endWith(readAnswerHeaders(answer.trailers()))
      resolve(true)
    }
    const broken = () => {
      if (body.readableEnded) return
      if (!reply.gone) reply.breakOff()
      resolve(false)
    }
    reply.onGone(() => {
      body.destroy()
      resolve(false)
    })
    reply.onDrain(() => body.resume())
    if (body.readableEnded) return end()
    if (body.destroyed) return broken()
    body.on('end', end).on('error', broken).on('close', broken)
    body.on('data', (chunk: Buffer) => {
      if (!reply.write(chunk)) body.pause()
    })
    body.resume()
  })
}

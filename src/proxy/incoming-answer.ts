/** An upstream's answer as it comes in: a head, and a body that is read as fast as somebody reads it. */
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Answer, RawHeaders } from '../http.ts'
import { passing } from '../waypoints.ts'
import { type UpstreamFault, upstreamFault } from './connection.ts'
import type { Lane } from './lane.ts'
import { dispatch, type UpstreamRequest } from './upstream.ts'

type Controller = Dispatcher.DispatchController

/** The bytes of a head arrive as Latin-1, and leave as such. */
export function rawStrings(raw: Controller['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return []
  return raw.map((item) => (typeof item === 'string' ? item : item.toString('latin1')))
}

export class IncomingAnswer {
  readonly answer: Answer
  readonly #body: Readable
  #trailers: RawHeaders = []
  #ended = false

  constructor(controller: Controller, head: { readonly status: number; readonly statusText: string }) {
    this.#body = new Readable({
      read: () => controller.resume(),
      destroy: (error, done) => {
        if (!this.#ended) controller.abort(error ?? new Error('nobody reads this answer'))
        done(error)
      },
    })
    this.#body.on('error', () => undefined)
    this.answer = { ...head, headers: rawStrings(controller.rawHeaders), body: this.#body, trailers: () => this.#trailers }
  }

  data(controller: Controller, chunk: Buffer): void {
    if (!this.#body.push(chunk)) controller.pause()
  }

  end(controller: Controller): void {
    this.#ended = true
    this.#trailers = rawStrings(controller.rawTrailers)
    this.#body.push(null)
  }

  fail(fault: UpstreamFault): void {
    this.#ended = true
    this.#body.destroy(fault)
  }
}

export type Asked =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** `sent: false` only if no byte of the request left. */
  | { readonly kind: 'failed'; readonly sent: boolean; readonly fault: UpstreamFault }

export interface AskControl {
  /** Can call it off on a ready connection. */
  readonly beforeSend?: (() => boolean) | undefined
  /** Breaks it off at any time. Never for a payment. */
  readonly signal?: AbortSignal | undefined
}

/** Asks an upstream and waits for the head of its answer. */
export function ask(lane: Lane, request: UpstreamRequest, control: AskControl = {}): Promise<Asked> {
  return new Promise((resolve) => dispatch(lane, request, new Asking(lane, resolve, control)))
}

class Asking implements Dispatcher.DispatchHandler {
  readonly #lane: Lane
  readonly #resolve: (asked: Asked) => void
  readonly #control: AskControl
  #sent = false
  #incoming: IncomingAnswer | undefined

  constructor(lane: Lane, resolve: (asked: Asked) => void, control: AskControl) {
    this.#lane = lane
    this.#resolve = resolve
    this.#control = control
  }

  /** Runs on a connected, verified socket, before the first byte is written to it. */
  onRequestStart(controller: Controller): void {
    const { beforeSend, signal } = this.#control
    if (signal?.aborted || beforeSend?.() === false) {
      controller.abort(new Error('called off'))
      return
    }
    this.#sent = true
    passing('request on the wire')
    signal?.addEventListener('abort', () => controller.abort(new Error('nobody waits for this answer')), { once: true })
  }

  onResponseStart(controller: Controller, status: number, _headers: unknown, statusText = ''): void {
    if (status < 200) return
    passing('answer arrived')
    this.#incoming = new IncomingAnswer(controller, { status, statusText })
    this.#resolve({ kind: 'answer', answer: this.#incoming.answer })
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#incoming?.data(controller, chunk)
  }

  onResponseEnd(controller: Controller): void {
    this.#incoming?.end(controller)
  }

  onResponseError(_controller: unknown, cause: Error): void {
    const fault = upstreamFault(this.#lane.origin, cause)
    if (this.#incoming) this.#incoming.fail(fault)
    else this.#resolve({ kind: 'failed', sent: this.#sent, fault })
  }
}

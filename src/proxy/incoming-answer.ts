/** An upstream's answer as it comes in: a head, and a body that is read as fast as somebody reads it. */
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { UNREAD_ANSWER_BYTES } from '../hot-path-limits.ts'
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

/** A stream is made for a body only where somebody reads it as one: most are here whole before anybody looks. */
export class IncomingAnswer implements Answer {
  readonly status: number
  readonly statusText: string
  readonly headers: RawHeaders
  readonly #controller: Controller
  #unread: Buffer[] = []
  #unread_bytes = 0
  #body: Readable | undefined
  #trailers: RawHeaders = []
  #end: 'whole' | UpstreamFault | undefined

  constructor(controller: Controller, head: { readonly status: number; readonly statusText: string }) {
    this.#controller = controller
    this.status = head.status
    this.statusText = head.statusText
    this.headers = rawStrings(controller.rawHeaders)
  }

  get body(): Readable {
    this.#body ??= this.#stream()
    return this.#body
  }

  arrived(): Uint8Array | undefined {
    if (this.#end !== 'whole' || this.#body) return undefined
    if (this.#unread.length !== 1) this.#unread = [Buffer.concat(this.#unread)]
    return this.#unread[0]
  }

  trailers(): RawHeaders {
    return this.#trailers
  }

  data(chunk: Buffer): void {
    if (this.#body) {
      if (!this.#body.push(chunk)) this.#controller.pause()
      return
    }
    this.#unread.push(chunk)
    this.#unread_bytes += chunk.length
    if (this.#unread_bytes >= UNREAD_ANSWER_BYTES) this.#controller.pause()
  }

  end(): void {
    this.#end = 'whole'
    this.#trailers = rawStrings(this.#controller.rawTrailers)
    this.#body?.push(null)
  }

  fail(fault: UpstreamFault): void {
    this.#end = fault
    this.#body?.destroy(fault)
  }

  #stream(): Readable {
    const controller = this.#controller
    const body = new Readable({
      read: () => controller.resume(),
      destroy: (error, done) => {
        if (this.#end === undefined) controller.abort(error ?? new Error('nobody reads this answer'))
        done(error)
      },
    })
    body.on('error', () => undefined)
    for (const chunk of this.#unread) body.push(chunk)
    this.#unread = []
    if (this.#end === 'whole') body.push(null)
    else if (this.#end) body.destroy(this.#end)
    return body
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
    this.#resolve({ kind: 'answer', answer: this.#incoming })
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#incoming?.data(chunk)
  }

  onResponseEnd(): void {
    this.#incoming?.end()
  }

  onResponseError(_controller: unknown, cause: Error): void {
    const fault = upstreamFault(this.#lane.origin, cause)
    if (this.#incoming) this.#incoming.fail(fault)
    else this.#resolve({ kind: 'failed', sent: this.#sent, fault })
  }
}

/** A `fetch` that pays: this Node's own, through the engine. */
import type { HouseOptions } from '../house.ts'
import { type PaidDispatcher, paidDispatcher } from './dispatcher.ts'
import type { PaidOptions } from './options.ts'

export interface PaidFetch extends AsyncDisposable {
  (input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** The way its requests go, for whatever takes a dispatcher. */
  readonly dispatcher: PaidDispatcher
  /** Lets requests end, and concludes what was signed. */
  close(): Promise<void>
}

/** Opens the engine. @throws as `paidDispatcher` */
export async function createPaidFetch(options: PaidOptions, internals: HouseOptions = {}): Promise<PaidFetch> {
  const dispatcher = await paidDispatcher(options, internals)
  const paid = (input: string | URL | Request, init: RequestInit = {}) => fetch(input, Object.assign({}, init, { dispatcher }))
  const close = () => dispatcher.close()
  return Object.assign(paid, { dispatcher, close, [Symbol.asyncDispose]: close })
}

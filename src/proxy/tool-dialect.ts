/** How a payment protocol speaks inside MCP. Texts are JSON-RPC messages; the protocol's own objects stay to the letter. */
import type { RawHeaders } from '../http.ts'

export interface MetaMember {
  readonly key: string
  /** JSON. */
  readonly text: string
}

export interface ToolDialect {
  /** Members of a call's `_meta` that only the payment flow may send. */
  readonly metaKeys: readonly string[]
  /** The challenge in a response, as a 402 that asks for the same; undefined where it is none. */
  challengeIn(response: string): { readonly headers: RawHeaders; readonly body: Uint8Array } | undefined
  /** Request headers that carry a payment, as a member of `_meta`; undefined where there is none that can be carried so. */
  carried(headers: RawHeaders): { readonly member: MetaMember; readonly rest: RawHeaders } | undefined
  /** What a response says of the settlement, as the headers of an answer. */
  settlementIn(response: string): RawHeaders
}

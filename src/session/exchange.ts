/**
 * The contract between the proxy and the payment flow: what a request of an identified agent is, and what may become
 * of a 402. The proxy knows no money; the flow knows no socket. They meet in these types.
 */
import type { Code, Refusal } from '../errors.ts'
import type { Answer, Head, RawHeaders } from '../http.ts'
import type { Session } from './session.ts'

/** How the request came in. A metric's label, so the set is closed. */
export type Mode = 'forward' | 'tunnel' | 'intercept' | 'reverse'

/** What the agent says about its own request in `Purser-*` headers. Untrusted, bounded in length, consumed here. */
export interface AgentHints {
  readonly task?: string
  readonly tool?: string
  readonly user?: string
  readonly justification?: string
  /** `Purser-On-Behalf-Of`: from the one who planned to the one who pays. */
  readonly onBehalfOf?: readonly string[]
  /** Trace id of the W3C `traceparent`, which is forwarded too. */
  readonly trace?: string
  /** `Purser-Max-Amount` in millionths of the session's currency. */
  readonly maxAmount?: bigint
  /** `Purser-Pay: never`. */
  readonly payNever: boolean
}

/** The agent's body after its end. `replayable` is false where the copy was dropped beyond the bound. */
export interface BodyState {
  /** SHA-256, hex. */
  readonly digest: string
  readonly bytes: number
  readonly replayable: boolean
  /** What is kept at most, for the refusal's detail. */
  readonly bound_bytes: number
}

/** One request of an agent, identified and forwarded once without payment. */
export interface PaidRequest {
  readonly exchangeId: string
  readonly mode: Mode
  readonly session: Session
  readonly method: string
  /** Canonical absolute URL as asked upstream. Policy, ledger and receipt all key on this one. */
  readonly url: string
  /** As they go upstream: hop-by-hop, proxy and `Purser-*` headers removed. */
  readonly headers: RawHeaders
  readonly hints: AgentHints
  /** The canonical line of this exchange: the flow adds its own fields (payment id, tier, amount). */
  readonly line: Record<string, string | number>
  /** Fires when the agent is gone. What was signed is concluded all the same. */
  readonly signal: AbortSignal
  /** Waits for the end of the agent's body (rule R4). Rejects if the agent breaks off. */
  body(): Promise<BodyState>
  /** The URL does not say what is bought: nothing is learned from this about others of its route. */
  readonly singular?: boolean
  /** How the unpaid attempt travelled: payments need verified TLS, or an explicitly opened private network. */
  readonly transport: 'verified-tls' | 'opened-plain' | 'plain'
}

/** The 402, its body read into memory and inflated within bounds. */
export interface UnpaidAnswer extends Head {
  /** Decoded bytes, or undefined where the body was larger than the bound or could not be inflated. */
  readonly body: Uint8Array | undefined
}

export interface SendEdits {
  /** Headers to set, replacing any of the same name: [name, value, …]. */
  readonly set: RawHeaders
  /**
   * Called once, right before the first byte can leave, on a connection that is ready (after connect and TLS). False
   * calls the attempt off, and the result is then `failed` with `sent: false`.
   */
  readonly beforeSend?: () => boolean
}

/** `sent: false` only if it is certain that no byte of the request left. */
export type SendResult =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly sent: boolean; readonly code: Code; readonly detail: string }

/** Sends the kept request again: same origin, same vetted address, no redirects, and on to its end even if the agent goes. */
export type Send = (edits: SendEdits) => Promise<SendResult>

/** How the agent got its answer. `complete`: head and whole body were handed to a live connection. */
export interface Delivery {
  readonly status: number
  readonly bytes: number
  readonly complete: boolean
}

/** Streams to the agent with `headers` set. */
export interface PaidAnswer {
  readonly kind: 'answer'
  readonly answer: Answer
  readonly headers: RawHeaders
  /** Called exactly once, when the body has ended or broken off. The exchange is over when this has resolved. */
  readonly delivered: (delivery: Delivery) => Promise<void> | void
  /**
   * Called at most once, after a complete delivery: the agent reset its connection before it asked for anything more on
   * it, so it may never have read the answer.
   */
  readonly lost?: () => void
}

/** What becomes of a 402. */
export type PaymentOutcome =
  /** No payment protocol claims it: it passes byte for byte. */
  { readonly kind: 'pass' } | { readonly kind: 'refuse'; readonly refusal: Refusal; readonly headers?: RawHeaders } | PaidAnswer

/** The kept request once more without payment, as long as its agent waits; undefined where no 402 comes back. */
export type Reask = () => Promise<UnpaidAnswer | undefined>

/** Paying with the first attempt, where a route is known to charge. */
export interface Preempt {
  /** A look, for every request: whether paying at once may be worth it. Waits for nothing. */
  expects(request: Pick<PaidRequest, 'method' | 'url' | 'headers'>): boolean
  /**
   * Pays with the first attempt where policy, budget and wallet allow it by themselves. Undefined: nothing has left, and
   * the request goes on unpaid. Never rejects for an expected reason.
   */
  pay(request: PaidRequest, send: Send, reask: Reask): Promise<PaymentOutcome | undefined>
}

/** The payment flow's one door. Never rejects for an expected reason. */
export type OnPaymentRequired = (request: PaidRequest, unpaid: UnpaidAnswer, send: Send, reask: Reask) => Promise<PaymentOutcome>

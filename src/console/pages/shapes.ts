/** What the admin API answers to these pages. */
import type { HaltView } from '../../admin/halts.ts'
import type { CheckView, KeptView, PolicyView } from '../../admin/policy.ts'
import type { VerificationView } from '../../admin/receipt-view.ts'
import type { SimulationView } from '../../admin/simulation.ts'
import type { PaymentView, SessionView } from '../../admin/views.ts'
import type { Receipt } from '../../audit/receipt.ts'

export type { CheckView, HaltView, KeptView, PaymentView, PolicyView, Receipt, SessionView, SimulationView, VerificationView }

export interface PageOf<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

export interface OpenedSession extends SessionView {
  /** Shown once. */
  readonly token: string
  readonly proxyUrl: string
}

export interface StoryStep {
  readonly at: string
  readonly kind: string
  readonly title: string
  readonly detail: string | null
  readonly facts: readonly { readonly label: string; readonly value: string; readonly untrusted: boolean }[]
  readonly receiptId: string | null
}

export interface Story {
  readonly payment: PaymentView
  readonly steps: readonly StoryStep[]
  /** The oldest receipts are left out. */
  readonly partial: boolean
}

/** What the first of two people said about a payment's end. */
export interface Proposal {
  readonly outcome: 'settled' | 'void'
  readonly by: string
  readonly at: string
}

export interface Cancellation {
  readonly kind: 'submitted' | 'signed'
  readonly transaction: string | null
  /** For whoever has gas. */
  readonly call: { readonly chainId: number; readonly to: string; readonly data: string }
  readonly note: string
}

export interface RecipientProfile {
  readonly origin: string
  readonly host: string
  readonly network: string
  readonly recipient: string
  readonly trust: 'verified' | 'blocked' | 'known' | 'unknown'
  /** Agents that paid it and were served. */
  readonly knownBy: number
  readonly last: (Pick<RecipientPayment, 'at' | 'amount' | 'currency' | 'method' | 'url'> & { readonly paymentId: string }) | null
  readonly pin: { readonly recipient: string; readonly since: string; readonly uses: number } | null
  readonly pinDiffers: boolean
  readonly undelivered: number
  readonly disputed: number
  readonly disputedAmount: Readonly<Record<string, string>>
  readonly refundedAmount: Readonly<Record<string, string>>
}

export interface RecipientPayment {
  readonly id: string
  readonly at: string
  readonly agent: string
  readonly method: string
  readonly url: string
  readonly amount: string
  readonly currency: string
  readonly state: string
  readonly delivered: boolean
}

export interface RecipientStory extends RecipientProfile {
  /** Newest first. */
  readonly payments: readonly RecipientPayment[]
  readonly drift: readonly { readonly at: string; readonly paymentId: string; readonly text: string }[]
  readonly deliveries: { readonly delivered: number; readonly undelivered: number; readonly open: number }
}

import type { ComponentChildren } from 'preact'
import { words } from '../format.ts'

export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'accent'

export function Badge({ tone = 'plain', children }: { readonly tone?: Tone; readonly children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>
}

const TONES: Readonly<Record<string, Tone>> = {
  ...{ settled: 'good', approved: 'good', used: 'good', passed: 'good', open: 'good', verified: 'good' },
  ...{ unknown: 'warn', awaiting_veto: 'warn', awaiting_approval: 'warn', pending: 'warn', closing: 'warn', exhausted: 'warn' },
  ...{ denied: 'bad', vetoed: 'bad', revoked: 'bad' },
  ...{ reserved: 'accent', signed: 'accent', sent: 'accent', known: 'accent' },
}

/** A state of a payment, session or approval; the word says it, the colour only helps. */
export function State({ of }: { readonly of: string }) {
  return <Badge tone={TONES[of] ?? 'plain'}>{words(of)}</Badge>
}

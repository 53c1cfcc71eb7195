/**
 * Traces: one span for each exchange and one below it for each of its steps, sent by OTLP. What sends them is loaded only
 * where a configuration wants it.
 */
import type { Clock } from '../clock.ts'
import type { ExchangeLine, TraceExchange } from './events.ts'

export interface TracesOptions {
  /** Where the collector takes traces, path included: `http://127.0.0.1:4318/v1/traces`. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  /** 0 to 1: of the exchanges whose agent does not say itself whether its trace is kept. */
  readonly sampleRatio: number
  readonly clock: Clock
  /** Told once when sending begins to fail, and again only after it has worked. */
  readonly warned: (sentence: string, cause?: unknown) => void
}

export interface TraceOf {
  /** 32 hex digits. */
  readonly trace: string
  /** False where it goes on without us: nobody will find a span of ours in it. */
  readonly isKept: boolean
}

/** Everything but `exchange` is told from within the exchange that it is about. Disposing sends what is left, bounded in time. */
export interface Traces extends AsyncDisposable {
  readonly exchange: TraceExchange
  /** A step that ends now; without `duration_ms` it began with its exchange. */
  took(step: string, facts?: { readonly duration_ms?: number; readonly attributes?: Readonly<Record<string, string | number>> }): void
  /** Ends the span of the exchange; one that was never begun gets its span here. */
  ended(line: ExchangeLine): TraceOf
  /** The trace that the running exchange is kept in. */
  kept(): string | undefined
}

/** Nothing of the library is read before this is called. */
export async function openTraces(options: TracesOptions): Promise<Traces> {
  const { createOtlpTraces } = await import('./otlp-traces.ts')
  return createOtlpTraces(options)
}

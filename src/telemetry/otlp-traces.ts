/** Traces by OpenTelemetry's own SDK, sent as JSON by OTLP over HTTP. The only file that knows that library. */
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Attributes,
  type Context,
  type HrTime,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base'
import type { Clock } from '../clock.ts'
import { MAX_LOG_VALUE_CHARS } from '../limits.ts'
import {
  MAX_QUEUED_SPANS,
  MAX_SPAN_ATTRIBUTES,
  MAX_SPANS_IN_A_BATCH,
  TRACE_EXPORT_INTERVAL_MS,
  TRACE_EXPORT_TIMEOUT_MS,
} from '../people-limits.ts'
import type { ExchangeLine } from './events.ts'
import { scrubText } from './log.ts'
import type { TraceOf, Traces, TracesOptions } from './traces.ts'

/** An exchange that runs. */
interface Running {
  readonly span: Span
  readonly began_ms: number
  /** Wall time less the monotonic clock's, at the beginning: a step of the wall clock tears no span apart. */
  readonly offset_ms: number
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/
/** Others would make a name of their own for every span. */
const METHODS = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'])

export function createOtlpTraces({ endpoint, headers, sampleRatio, clock, warned }: TracesOptions): Traces {
  const exporter = new OTLPTraceExporter({ url: endpoint, headers: { ...headers }, timeoutMillis: TRACE_EXPORT_TIMEOUT_MS })
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'purser' }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanLimits: { attributeCountLimit: MAX_SPAN_ATTRIBUTES, attributeValueLengthLimit: MAX_LOG_VALUE_CHARS },
    spanProcessors: [
      new BatchSpanProcessor(telling(exporter, warned), {
        maxQueueSize: MAX_QUEUED_SPANS,
        maxExportBatchSize: MAX_SPANS_IN_A_BATCH,
        scheduledDelayMillis: TRACE_EXPORT_INTERVAL_MS,
        exportTimeoutMillis: TRACE_EXPORT_TIMEOUT_MS,
      }),
    ],
  })
  return {
    ...tracesBy(provider.getTracer('purser'), clock),
    // What could not be sent has been told of, and is no reason for anything else to end badly.
    [Symbol.asyncDispose]: () => provider.shutdown().catch(() => undefined),
  }
}

function tracesBy(tracer: Tracer, clock: Clock): Omit<Traces, keyof AsyncDisposable> {
  const running = new AsyncLocalStorage<Running>()
  const begin = (parent: Context, began_ms: number): Running => {
    const offset_ms = clock.now() - clock.monotonic()
    return {
      span: tracer.startSpan('exchange', { kind: SpanKind.SERVER, startTime: timeAt(began_ms + offset_ms) }, parent),
      began_ms,
      offset_ms,
    }
  }
  return {
    exchange(traceparent, run) {
      const parent = contextOf(traceparent)
      const exchange = begin(parent ?? ROOT_CONTEXT, clock.monotonic())
      const onward = parent && exchange.span.isRecording() ? traceparentOf(exchange.span) : undefined
      running.run(exchange, run, onward)
    },
    took(step, { duration_ms, attributes = {} } = {}) {
      const exchange = running.getStore()
      if (!exchange?.span.isRecording()) return
      const { span, began_ms, offset_ms } = exchange
      const ended_ms = clock.monotonic()
      const startTime = timeAt(offset_ms + (duration_ms === undefined ? began_ms : ended_ms - duration_ms))
      const context = trace.setSpan(ROOT_CONTEXT, span)
      tracer.startSpan(step, { startTime, attributes: scrubbed(attributes) }, context).end(timeAt(offset_ms + ended_ms))
    },
    ended(line) {
      const { span, offset_ms } = running.getStore() ?? begin(ROOT_CONTEXT, clock.monotonic() - line.duration_ms)
      describe(span, line)
      span.end(timeAt(offset_ms + clock.monotonic()))
      return traceOf(span)
    },
    kept() {
      const span = running.getStore()?.span
      return span && keptOf(span)
    },
  }
}

function describe(span: Span, line: ExchangeLine): void {
  if (!span.isRecording()) return
  span.updateName(METHODS.has(line.method) ? line.method : 'HTTP')
  span.setAttributes(scrubbed(attributesOf(line)))
  if (line.outcome === 'failed' || line.status >= 500)
    span.setStatus({ code: SpanStatusCode.ERROR, ...(line.code && { message: line.code }) })
}

/** OpenTelemetry's names where it has one; ours beside them. No query, no header, no body. */
function attributesOf({ method, status, target, bytes, duration_ms: _, extra = {}, ...line }: ExchangeLine): Attributes {
  const url = URL.canParse(target) ? new URL(target) : undefined
  const own = Object.entries({ ...extra, ...line }).map(([name, value]) => [`purser.${name}`, value])
  return {
    ...Object.fromEntries(own),
    'http.request.method': method,
    'http.response.status_code': status,
    'http.response.body.size': bytes,
    ...(url && { 'url.scheme': url.protocol.slice(0, -1), 'server.address': url.hostname, 'url.path': url.pathname }),
    ...(url?.port && { 'server.port': Number.parseInt(url.port, 10) }),
  }
}

function scrubbed(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, typeof value === 'string' ? scrubText(value) : value]))
}

/** The agent's own span, where it sent one that can be continued. */
function contextOf(traceparent: string | undefined): Context | undefined {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(traceparent?.trim() ?? '') ?? []
  const parent = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true }
  return isSpanContextValid(parent) ? trace.setSpanContext(ROOT_CONTEXT, parent) : undefined
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-0${traceFlags}`
}

function keptOf(span: Span): string | undefined {
  const { traceId, traceFlags } = span.spanContext()
  return (traceFlags & TraceFlags.SAMPLED) === 0 ? undefined : traceId
}

function traceOf(span: Span): TraceOf {
  return { trace: span.spanContext().traceId, isKept: keptOf(span) !== undefined }
}

/** Seconds and nanoseconds since 1970: a plain number could be taken for another clock's. */
function timeAt(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000)
  return [seconds, Math.floor((ms - seconds * 1_000) * 1_000_000)]
}

/** The library keeps its failures to itself. */
function telling(exporter: SpanExporter, warned: TracesOptions['warned']): SpanExporter {
  let failing = false
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const failed = result.error !== undefined
        if (failed && !failing)
          warned('Traces cannot be sent. Look at telemetry.traces.endpoint; what does not fit the queue is dropped.', result.error)
        failing = failed
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush && { forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve() }),
  }
}

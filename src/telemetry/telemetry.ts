/** Telemetry put together: each business event counts, and writes a line where one is worth reading. */
import type { Logger } from 'pino'
import { type OpenMetricsContentType, Registry } from 'prom-client'
import { CODES } from '../errors.ts'
import { MAX_LABEL_VALUES } from '../limits.ts'
import { CURRENCY_DECIMALS, formatAmount } from '../money.ts'
import { type Audible, audible } from './audible.ts'
import type { Events, ExchangeLine } from './events.ts'
import { cleanText, createLog, type LogOptions } from './log.ts'
import { type MetricValues, mergeMetrics, valuesOf, writeMetrics } from './merged.ts'
import { createLabelSet, createMetrics, type Metrics, openMetricsOf } from './metrics.ts'
import type { Traces } from './traces.ts'

/** What stands in the ledger at the moment of a scrape. */
export interface Standing {
  /** Held by all sessions, in millionths, by currency. */
  readonly exposure: Readonly<Record<string, bigint>>
  readonly sessions: Readonly<Record<string, number>>
  readonly approvalsPending: number
  /** Payments under dispute, and those whose outcome is not known; absent where nobody counts them. */
  readonly disputes?: number
  readonly unresolved?: number
  /** Notices that reached nobody. */
  readonly deadLetters?: number
}

/** What is known also while the ledger does not answer. */
export interface Condition {
  /** Payments can be made. */
  readonly isReady: boolean
  /** Transfers that were signed beforehand and can still be used, where the wallet has nothing else. */
  readonly presigned?: readonly { readonly pool: string; readonly left: number }[]
}

export interface Telemetry extends Audible {
  readonly log: Logger
  readonly registry: Registry
  readonly contentType: string
  /** The text that Prometheus reads, with what `others` have counted. Where nobody can say how things stand, what was last known of that stays in it. */
  render(standing: Standing | undefined, condition?: Condition, others?: readonly (readonly MetricValues[])[]): Promise<string>
  /** What this process has counted and measured, for whoever shows it with that of others. */
  values(): Promise<readonly MetricValues[]>
  /** The same in the format that carries exemplars, for scrapers that accept it. */
  readonly openMetrics: Pick<Telemetry, 'contentType' | 'render'>
}

export interface TelemetryOptions extends LogOptions {
  readonly traces?: Traces
}

/** Lines go to stderr unless a destination is given; metrics into a registry of their own. */
export function createTelemetry({ traces, ...options }: TelemetryOptions): Telemetry {
  const log = createLog(options)
  const registry = new Registry()
  const metrics = createMetrics(registry)
  const openMetrics = openMetricsOf(registry)
  return {
    ...audible({ ...exchangeEvents(metrics, log, traces), ...paymentEvents(metrics, log, traces), ...faultEvents(log) }),
    log,
    registry,
    contentType: registry.contentType,
    values: () => valuesOf(registry),
    render: (...shown) => render(metrics, registry, shown),
    openMetrics: { contentType: openMetrics.contentType, render: (...shown) => render(metrics, openMetrics, shown) },
  }
}

type ExchangeEvents = Pick<Events, 'exchangeEnded' | 'upstreamConnections' | 'traceExchange'>

function exchangeEvents(metrics: Metrics, log: Logger, traces: Traces | undefined): ExchangeEvents {
  return {
    ...(traces && { traceExchange: traces.exchange }),
    exchangeEnded(told) {
      const traced = traces?.ended(told)
      const line = traced ? { ...told, trace: traced.trace } : told
      const { mode, outcome, duration_ms, exchangeId } = line
      metrics.count('requests', { mode, outcome })
      const exemplar = { exchange_id: exchangeId, ...(traced?.isKept && { trace_id: traced.trace }) }
      metrics.observe('requestDuration', { mode }, duration_ms / 1000, exemplar)
      log.info(membersOf(line), 'exchange')
    },
    upstreamConnections: (change) => metrics.move('upstreamConnections', {}, change),
  }
}

type PaymentEvents = Omit<Events, keyof ExchangeEvents | 'warned' | 'faulted'>

function paymentEvents(metrics: Metrics, log: Logger, traces: Traces | undefined): PaymentEvents {
  const labels = createLabels()
  return {
    challengeSeen({ rail, version, outcome }) {
      traces?.took('challenge', { attributes: { 'purser.rail': rail, 'purser.version': version, 'purser.challenge': outcome } })
      metrics.count('challenges', { rail: labels.word(rail), version: labels.version(`${version}`), outcome })
    },
    decided({ tier, decision, code }) {
      metrics.count('decisions', { tier: labels.tier(tier), decision, code: code && CODES.includes(code) ? code : 'none' })
    },
    paymentEntered(payment) {
      const { state, tier, amount, currency } = payment
      const network = labels.network(payment.network)
      metrics.count('payments', { network, scheme: labels.word(payment.scheme), state: labels.word(state) })
      if (state === 'settled' && currency === 'USD') metrics.count('paymentAmount', { tier: labels.tier(tier), network }, unitsOf(amount))
      log.debug(payment, 'payment')
    },
    phaseTook(phase, duration_ms) {
      const kept = traces?.kept()
      metrics.observe('paymentPhase', { phase }, duration_ms / 1000, kept === undefined ? {} : { trace_id: kept })
      traces?.took(phase, { duration_ms })
    },
    ledgerTook: (operation, duration_ms) => metrics.observe('ledgerOperation', { operation }, duration_ms / 1000),
    approvalWaited: (duration_ms) => metrics.observe('approvalWait', {}, duration_ms / 1000),
    receiptWritten: () => metrics.count('receipts', {}),
    archived: ({ kind, entries }) => metrics.count('archived', { kind }, entries),
    retentionPassed: (now) => metrics.set('archivePassed', [{ labels: {}, value: now / 1000 }]),
    thresholdReached({ percent, spent, held, cap, ...session }) {
      metrics.count('thresholds', { percent: labels.percent(`${percent}`) })
      log.warn(
        { ...session, percent, spent: formatAmount(spent), held: formatAmount(held), cap: formatAmount(cap) },
        'budget threshold reached',
      )
    },
    reconciled({ paymentId, outcome }) {
      metrics.count('reconciled', { outcome })
      if (outcome === 'disputed') log.warn({ paymentId, outcome }, 'reconciled')
      else log.info({ paymentId, outcome }, 'reconciled')
    },
    workerEnded(worker) {
      metrics.count('workerRestarts', {})
      log.error(worker, 'a worker ended')
    },
    workersUp: (count) => metrics.set('workers', [{ labels: {}, value: count }]),
    noticeEnded: ({ channel, outcome }) => metrics.count('notices', { channel, outcome }),
    approvalUndelivered(approval) {
      metrics.count('approvalsUndelivered', {})
      log.warn(approval, 'nobody could be told of an approval')
    },
    priceDrifted({ kind, consequence, ...drift }) {
      metrics.count('priceDrifts', { kind, consequence })
      log.warn({ kind, consequence, ...drift }, 'price_drift')
    },
    circuitTurned(turn) {
      metrics.count('circuitTurns', { state: turn.state })
      log.warn(turn, 'circuit')
    },
    loopDetected(loop) {
      metrics.count('loops', {})
      log.warn(loop, 'loop_detected')
    },
    channelStepped({ step, deposited, charged, returned, ...channel }) {
      metrics.count('channelSteps', { step })
      const sums = { deposited: `${deposited}`, charged: `${charged}`, returned: `${returned}` }
      log.info({ step, ...channel, ...sums }, 'channel')
    },
    preempted: (outcome) => metrics.count('preemptive', { outcome }),
    signedIn: (outcome) => metrics.count('logins', { outcome }),
    sessionDrifted({ kind, consequence, ...drift }) {
      metrics.count('sessionDrifts', { kind, consequence })
      log.warn({ kind, consequence, ...drift }, 'session_drift')
    },
    undelivered(paymentId) {
      metrics.count('undelivered', {})
      log.warn({ paymentId }, 'paid for, or maybe paid for, and not delivered')
    },
  }
}

function faultEvents(log: Logger): Pick<Events, 'warned' | 'faulted'> {
  return {
    warned: (sentence, cause) => log.warn(cause === undefined ? {} : { err: cause }, cleanText(sentence)),
    faulted(where, cause) {
      log.error({ where, err: cause }, 'fault')
      // The process may not live much longer.
      log.flush()
    },
  }
}

/** Labels whose values come from the configuration or through a port: of a known form, and only so many. */
function createLabels() {
  const max = MAX_LABEL_VALUES
  return {
    tier: createLabelSet({ max, form: /^[\w .-]{1,64}$/ }),
    network: createLabelSet({ max, form: /^(none|[-a-z0-9]{3,8}:[-\w]{1,32})$/ }),
    word: createLabelSet({ max, form: /^[a-z][a-z0-9_-]{0,31}$/ }),
    version: createLabelSet({ max, form: /^[0-9]{1,2}$/ }),
    percent: createLabelSet({ max, form: /^[0-9]{1,3}$/ }),
  }
}

/** What the payment flow added stands beside the rest and can replace nothing of it. */
function membersOf({ extra, ...line }: ExchangeLine): Record<string, unknown> {
  return { ...extra, ...line, duration_ms: Math.round(line.duration_ms * 1000) / 1000 }
}

/** Whole units of a currency. A metric is the one place where money is a floating number, and nothing reads it back. */
function unitsOf(millionths: bigint): number {
  return Number(millionths) / 10 ** CURRENCY_DECIMALS
}

async function render(
  metrics: Metrics,
  registry: Registry | Registry<OpenMetricsContentType>,
  [standing, condition, others = []]: Parameters<Telemetry['render']>,
): Promise<string> {
  if (standing) show(metrics, standing)
  if (condition) metrics.set('ready', [{ labels: {}, value: condition.isReady ? 1 : 0 }])
  if (condition?.presigned) {
    metrics.set(
      'presignedLeft',
      condition.presigned.map(({ pool, left }) => ({ labels: { pool }, value: left })),
    )
  }
  if (others.length === 0) return registry.metrics()
  return writeMetrics(mergeMetrics([await valuesOf(registry), ...others]), registry.contentType)
}

function show(metrics: Metrics, standing: Standing): void {
  const { exposure, sessions, approvalsPending, disputes, unresolved, deadLetters } = standing
  metrics.set('exposure', [{ labels: {}, value: unitsOf(exposure.USD ?? 0n) }])
  metrics.set(
    'sessions',
    Object.entries(sessions).map(([state, value]) => ({ labels: { state }, value })),
  )
  metrics.set('approvalsPending', [{ labels: {}, value: approvalsPending }])
  if (disputes !== undefined) metrics.set('disputes', [{ labels: {}, value: disputes }])
  if (deadLetters !== undefined) metrics.set('deadLetters', [{ labels: {}, value: deadLetters }])
  if (unresolved !== undefined) metrics.set('unresolved', [{ labels: {}, value: unresolved }])
}

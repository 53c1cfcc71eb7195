/**
 * The metrics: one table that makes the series, so that code and `docs/metrics.md` share one source. Labels come from
 * closed sets or from sets that are bounded here; a session, a URL or an address is never one.
 */
import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type OpenMetricsContentType,
  Registry as PromRegistry,
  type Registry,
} from 'prom-client'

export interface MetricDefinition {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
  /** Upper bounds in seconds. */
  readonly buckets?: readonly number[]
  /** The last observation in each bucket says whose it was. Seen in the OpenMetrics format only. */
  readonly exemplars?: boolean
}

/** From a local answer to the longest that an upstream may take. */
const EXCHANGE_S = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
/** From a step in memory to a settlement that the upstream waits for. */
const STEP_S = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300]
/** From a glance to a working day. */
const PEOPLE_S = [1, 5, 15, 30, 60, 300, 900, 3_600, 14_400, 28_800]

const DEFINITIONS = {
  requests: {
    name: 'purser_requests_total',
    type: 'counter',
    help: 'Requests of agents that ended, by door and by what became of them.',
    labels: ['mode', 'outcome'],
  },
  requestDuration: {
    name: 'purser_request_duration_seconds',
    type: 'histogram',
    help: 'From the request’s head to the end of its answer.',
    labels: ['mode'],
    buckets: EXCHANGE_S,
    exemplars: true,
  },
  challenges: {
    name: 'purser_challenges_total',
    type: 'counter',
    help: 'Answers with status 402, by the payment protocol that claims them and by whether they can be paid.',
    labels: ['rail', 'version', 'outcome'],
  },
  decisions: {
    name: 'purser_decisions_total',
    type: 'counter',
    help: 'Verdicts on payments; code is the reason of a refusal, else none.',
    labels: ['tier', 'decision', 'code'],
  },
  payments: {
    name: 'purser_payments_total',
    type: 'counter',
    help: 'Payments that entered a state.',
    labels: ['network', 'scheme', 'state'],
  },
  paymentAmount: {
    name: 'purser_payment_amount_usd_total',
    type: 'counter',
    help: 'Dollars of settled payments.',
    labels: ['tier', 'network'],
  },
  paymentPhase: {
    name: 'purser_payment_phase_seconds',
    type: 'histogram',
    help: 'Time of each step of a payment.',
    labels: ['phase'],
    buckets: STEP_S,
    exemplars: true,
  },
  exposure: {
    name: 'purser_exposure_usd',
    type: 'gauge',
    help: 'Dollars that are set aside or may still be taken.',
    labels: [],
  },
  sessions: { name: 'purser_sessions', type: 'gauge', help: 'Sessions by state.', labels: ['state'] },
  approvalsPending: { name: 'purser_approvals_pending', type: 'gauge', help: 'Payments that wait for a person.', labels: [] },
  approvalWait: {
    name: 'purser_approval_wait_seconds',
    type: 'histogram',
    help: 'How long payments waited for a person.',
    labels: [],
    buckets: PEOPLE_S,
  },
  notices: {
    name: 'purser_notices_total',
    type: 'counter',
    help: 'Attempts to tell people of an approval or an alert; dead ones are not tried again.',
    labels: ['channel', 'outcome'],
  },
  deadLetters: { name: 'purser_dead_letters', type: 'gauge', help: 'Notices that reached nobody and are not tried again.', labels: [] },
  approvalsUndelivered: {
    name: 'purser_approvals_undelivered_total',
    type: 'counter',
    help: 'Approvals and veto windows that nobody could be told of at any address.',
    labels: [],
  },
  receipts: { name: 'purser_receipts_total', type: 'counter', help: 'Receipts written.', labels: [] },
  archived: {
    name: 'purser_archived_total',
    type: 'counter',
    help: 'Receipts and payments that left the ledger’s tables for the archive.',
    labels: ['kind'],
  },
  archivePassed: {
    name: 'purser_archive_pass_timestamp_seconds',
    type: 'gauge',
    help: 'When everything that was old enough had left for the archive, in seconds since 1970.',
    labels: [],
  },
  ledgerOperation: {
    name: 'purser_ledger_operation_seconds',
    type: 'histogram',
    help: 'Time of the ledger’s operations; commit is what makes a batch durable.',
    labels: ['operation'],
    buckets: STEP_S,
  },
  priceDrifts: {
    name: 'purser_price_drifts_total',
    type: 'counter',
    help: 'Payments whose price was far above what the agent is used to.',
    labels: ['kind', 'consequence'],
  },
  sessionDrifts: {
    name: 'purser_session_drifts_total',
    type: 'counter',
    help: 'Payments to hosts, for categories or at a pace that the start of their session did not show.',
    labels: ['kind', 'consequence'],
  },
  circuitTurns: {
    name: 'purser_circuit_turns_total',
    type: 'counter',
    help: 'Times that payments to a host were paused after failures (open), tried once (half_open), or made again (closed).',
    labels: ['state'],
  },
  loops: {
    name: 'purser_loops_total',
    type: 'counter',
    help: 'Times that an agent asked the same again and again although it was refused or failed.',
    labels: [],
  },
  channelSteps: {
    name: 'purser_channel_steps_total',
    type: 'counter',
    help: 'Payment channels that were opened, and steps of closing them.',
    labels: ['step'],
  },
  logins: {
    name: 'purser_logins_total',
    type: 'counter',
    help: 'Logins that were sent where something was paid for before.',
    labels: ['outcome'],
  },
  preemptive: {
    name: 'purser_preemptive_total',
    type: 'counter',
    help: 'Payments sent with the first attempt: taken (hit), asked for otherwise (miss), or not asked for (waste).',
    labels: ['outcome'],
  },
  undelivered: {
    name: 'purser_undelivered_total',
    type: 'counter',
    help: 'Times that money moved, or may have, and the agent did not get a complete 2xx.',
    labels: [],
  },
  thresholds: {
    name: 'purser_thresholds_total',
    type: 'counter',
    help: 'Times that a session passed this percentage of its cap, spent and held together.',
    labels: ['percent'],
  },
  reconciled: {
    name: 'purser_reconciled_total',
    type: 'counter',
    help: 'Payments about which the chain, time or people decided something after their exchange was over.',
    labels: ['outcome'],
  },
  disputes: { name: 'purser_disputes', type: 'gauge', help: 'Payments under dispute.', labels: [] },
  unresolved: {
    name: 'purser_unresolved_payments',
    type: 'gauge',
    help: 'Payments whose outcome is not known yet; their money is held.',
    labels: [],
  },
  ready: { name: 'purser_ready', type: 'gauge', help: '1 where payments can be made, else 0; /readyz says why.', labels: [] },
  presignedLeft: {
    name: 'purser_presigned_left',
    type: 'gauge',
    help: 'Transfers of a pool’s file that can still be used.',
    labels: ['pool'],
  },
  workers: { name: 'purser_workers', type: 'gauge', help: 'Workers that serve agents; 0 where one process does all.', labels: [] },
  workerRestarts: {
    name: 'purser_worker_restarts_total',
    type: 'counter',
    help: 'Workers that ended unasked and were replaced.',
    labels: [],
  },
  upstreamConnections: { name: 'purser_upstream_connections', type: 'gauge', help: 'Open connections to upstreams.', labels: [] },
} as const satisfies Record<string, MetricDefinition>

type Definitions = typeof DEFINITIONS
type Named<Type extends MetricDefinition['type']> = {
  [Name in keyof Definitions]: Definitions[Name]['type'] extends Type ? Name : never
}[keyof Definitions]
type Labels<Name extends keyof Definitions> = Readonly<Record<Definitions[Name]['labels'][number], string>>

/** Every series of ours. Node's own stand in the same registry. */
export const METRICS: readonly MetricDefinition[] = Object.values(DEFINITIONS)

export interface Metrics {
  count<Name extends Named<'counter'>>(name: Name, labels: Labels<Name>, by?: number): void
  /** `change` is added to the gauge. */
  move<Name extends Named<'gauge'>>(name: Name, labels: Labels<Name>, change: number): void
  /** All values of a gauge at once: what is not named any more is gone. */
  set<Name extends Named<'gauge'>>(name: Name, values: readonly { readonly labels: Labels<Name>; readonly value: number }[]): void
  observe<Name extends Named<'histogram'>>(
    name: Name,
    labels: Labels<Name>,
    seconds: number,
    exemplar?: Readonly<Record<string, string>>,
  ): void
}

/** Makes all series, and Node's own, in this registry. */
export function createMetrics(registry: Registry): Metrics {
  collectDefaultMetrics({ register: registry })
  const counters = new Map<string, Counter>()
  const gauges = new Map<string, Gauge>()
  const histograms = new Map<string, Histogram>()
  for (const [key, definition] of Object.entries<MetricDefinition>(DEFINITIONS)) {
    const { name, help, labels, type, buckets = [], exemplars = false } = definition
    const options = { name, help, labelNames: [...labels], registers: [registry] }
    if (type === 'counter') counters.set(key, new Counter(options))
    else if (type === 'gauge') gauges.set(key, new Gauge(options))
    else {
      // Exemplars cannot be seen in this registry's own format, and the library insists on that where it registers itself.
      const histogram = new Histogram({ ...options, registers: [], buckets: [...buckets], enableExemplars: exemplars })
      registry.registerMetric(histogram)
      histograms.set(key, histogram)
    }
  }
  return {
    count: (name, labels, by = 1) => counters.get(name)?.inc(labels, by),
    move: (name, labels, change) => gauges.get(name)?.inc(labels, change),
    set(name, values) {
      const gauge = gauges.get(name)
      gauge?.reset()
      for (const { labels, value } of values) gauge?.set(labels, value)
    },
    observe(name, labels, seconds, exemplar = {}) {
      const histogram = histograms.get(name)
      if (hasExemplars(name)) histogram?.observe({ labels, value: seconds, exemplarLabels: exemplar })
      else histogram?.observe(labels, seconds)
    },
  }
}

function hasExemplars(name: keyof Definitions): boolean {
  const definition: MetricDefinition = DEFINITIONS[name]
  return definition.exemplars === true
}

/**
 * The same series in the format that carries exemplars. To write it, the library renames the counters that it is given:
 * these only read through to ours.
 */
export function openMetricsOf(registry: Registry): Registry<OpenMetricsContentType> {
  const twin = new PromRegistry<OpenMetricsContentType>()
  twin.setContentType(PromRegistry.OPENMETRICS_CONTENT_TYPE)
  for (const metric of registry.getMetricsAsArray()) twin.registerMetric(Object.create(metric))
  return twin
}

/** Lets through at most `max` distinct values of this form; an empty one is `none`, all others are `other`. */
export function createLabelSet({ max, form }: { readonly max: number; readonly form: RegExp }): (value: string) => string {
  const known = new Set<string>()
  return (value) => {
    if (value === '') return 'none'
    if (known.has(value)) return value
    if (known.size >= max || !form.test(value)) return 'other'
    known.add(value)
    return value
  }
}

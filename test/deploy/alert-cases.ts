/** For every alert: what Prometheus would see, one value a minute, when nobody may be woken yet, and when somebody must be. */
export interface AlertCase {
  readonly alert: string
  /** In the notation of promtool: `0x10` stays for ten minutes, `0+5x10` rises by 5 each minute, `_` is no sample. */
  readonly series: Readonly<Record<string, string>>
  /** In minutes. */
  readonly quietAt: number
  readonly firesAt: number
}

const ALIVE = 'purser_upstream_connections{job="purser", instance="a"}'
const slow = (metric: string, label: string) => ({
  [`${metric}_bucket{job="purser", instance="a", ${label}, le="0.1"}`]: '0+60x10 600+0x60',
  [`${metric}_bucket{job="purser", instance="a", ${label}, le="0.5"}`]: '0+60x70',
  [`${metric}_bucket{job="purser", instance="a", ${label}, le="+Inf"}`]: '0+60x70',
})
/** A series that is there for the first time when it says 1: a rate alone would not see it. */
const appears = (series: string) => ({ series: { [series]: '_x20 1x40' }, quietAt: 19, firesAt: 22 })
const counts = (series: string) => ({ series: { [series]: '0x20 1x40' }, quietAt: 19, firesAt: 22 })
const stands = (series: string) => ({ [`${series}{job="purser", instance="a"}`]: '0x20 2x200' })

export const CASES: readonly AlertCase[] = [
  { alert: 'PurserDown', series: { 'up{job="purser", instance="a"}': '1x20 0x40', [ALIVE]: '3x20' }, quietAt: 21, firesAt: 25 },
  { alert: 'PurserAbsent', series: { [ALIVE]: '3x20' }, quietAt: 20, firesAt: 40 },
  { alert: 'PurserNotReady', series: { 'purser_ready{job="purser", instance="a"}': '1x20 0x40' }, quietAt: 21, firesAt: 25 },
  {
    alert: 'PurserRestarting',
    series: { 'process_start_time_seconds{job="purser", instance="a"}': '1x20 2 3 4 4x40', [ALIVE]: '3x70' },
    ...{ quietAt: 21, firesAt: 25 },
  },
  {
    alert: 'PurserRequestsFailing',
    series: {
      'purser_requests_total{job="purser", instance="a", mode="reverse", outcome="paid"}': '0+100x80',
      'purser_requests_total{job="purser", instance="a", mode="reverse", outcome="failed"}': '0x20 0+20x60',
    },
    ...{ quietAt: 25, firesAt: 40 },
  },
  { alert: 'PurserSlow', series: slow('purser_payment_phase_seconds', 'phase="reserve"'), quietAt: 15, firesAt: 40 },
  { alert: 'PurserLedgerSlow', series: slow('purser_ledger_operation_seconds', 'operation="commit"'), quietAt: 15, firesAt: 40 },
  {
    alert: 'PurserEventLoopLate',
    series: { 'nodejs_eventloop_lag_p99_seconds{job="purser", instance="a"}': '0.01x20 0.8x40', [ALIVE]: '3x70' },
    ...{ quietAt: 25, firesAt: 35 },
  },
  { alert: 'PurserOutcomeUnknown', series: stands('purser_unresolved_payments'), quietAt: 30, firesAt: 40 },
  { alert: 'PurserNotDelivered', ...counts('purser_undelivered_total{job="purser", instance="a"}') },
  { alert: 'PurserDisputed', series: stands('purser_disputes'), quietAt: 20, firesAt: 22 },
  { alert: 'PurserCircuitOpen', ...appears('purser_circuit_turns_total{job="purser", instance="a", state="open"}') },
  { alert: 'PurserBudgetNearlySpent', ...appears('purser_thresholds_total{job="purser", instance="a", percent="80"}') },
  { alert: 'PurserNobodyTold', ...counts('purser_approvals_undelivered_total{job="purser", instance="a"}') },
  { alert: 'PurserDeadLetters', series: stands('purser_dead_letters'), quietAt: 25, firesAt: 35 },
  { alert: 'PurserApprovalsWaiting', series: stands('purser_approvals_pending'), quietAt: 90, firesAt: 130 },
  { alert: 'PurserProhibitedAttempt', ...appears(denied('tier_prohibited')) },
  { alert: 'PurserRecipientChanged', ...appears(denied('recipient_changed')) },
  {
    alert: 'PurserMostRefused',
    series: {
      [denied('out_of_scope')]: '0x20 0+30x60',
      'purser_decisions_total{job="purser", instance="a", tier="autonomous", decision="allow", code="none"}': '0+10x80',
    },
    ...{ quietAt: 20, firesAt: 50 },
  },
  { alert: 'PurserPriceDrift', ...appears('purser_price_drifts_total{job="purser", instance="a", kind="slow", consequence="report"}') },
  { alert: 'PurserSessionDrift', ...appears('purser_session_drifts_total{job="purser", instance="a", kind="host", consequence="deny"}') },
  { alert: 'PurserAgentLoops', ...counts('purser_loops_total{job="purser", instance="a"}') },
]

function denied(code: string): string {
  return `purser_decisions_total{job="purser", instance="a", tier="autonomous", decision="deny", code="${code}"}`
}

/** As promtool reads them. */
export function unitTests(ruleFiles: readonly string[]): Record<string, unknown> {
  return { rule_files: ruleFiles, evaluation_interval: '1m', tests: CASES.map(unitTest) }
}

function unitTest({ alert, series, quietAt, firesAt }: AlertCase): Record<string, unknown> {
  const expr = `count by (alertname) (ALERTS{alertname="${alert}", alertstate="firing"})`
  return {
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      { expr, eval_time: `${quietAt}m`, exp_samples: [] },
      { expr, eval_time: `${firesAt}m`, exp_samples: [{ labels: `{alertname="${alert}"}`, value: 1 }] },
    ],
  }
}

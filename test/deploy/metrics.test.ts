/**
 * Dashboards and rules hold what they promise: every name in them is looked up at the `/metrics` of a Purser that has
 * really paid, been refused and asked people; where the machine has Prometheus, it evaluates each of them as well.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { CASES, unitTests } from './alert-cases.ts'
import { catalogueOf } from './catalogue.ts'
import { type PaidPurser, startPaidPurser } from './paid-purser.ts'
import { found, startPrometheus } from './prometheus.ts'
import { type Catalogue, parseQuery, problemsOf, recorded } from './promql.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const GRAFANA = join(ROOT, 'deploy/grafana')
const RULES = ['purser.recording.yaml', 'purser.alerts.yaml'].map((name) => join(ROOT, 'deploy/prometheus', name))
const DASHBOARDS = readdirSync(GRAFANA).filter((name) => name.endsWith('.json'))

const dashboardSchema = z.object({
  uid: z.string(),
  title: z.string(),
  panels: z.array(
    z.object({
      id: z.int(),
      title: z.string(),
      type: z.string(),
      description: z.string().optional(),
      targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).default([]),
      fieldConfig: z.object({ defaults: z.object({ unit: z.string().optional() }) }).optional(),
      gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
    }),
  ),
  annotations: z.object({ list: z.array(z.object({ expr: z.string() })) }),
  templating: z.object({ list: z.array(z.object({ name: z.string(), definition: z.string().optional() })) }),
})
const rulesSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          record: z.string().optional(),
          alert: z.string().optional(),
          expr: z.string(),
          labels: z.object({ severity: z.enum(['info', 'warning', 'critical']) }).optional(),
          annotations: z.object({ summary: z.string(), description: z.string(), runbook: z.string(), dashboard: z.string() }).optional(),
        }),
      ),
    }),
  ),
})

const dashboards = DASHBOARDS.map((name) => ({ name, board: dashboardSchema.parse(JSON.parse(readFileSync(join(GRAFANA, name), 'utf8'))) }))
const rules = RULES.flatMap((file) => rulesSchema.parse(parse(readFileSync(file, 'utf8'))).groups.flatMap((group) => group.rules))
const alerts = rules.flatMap(({ alert, ...rule }) => (alert === undefined ? [] : [{ alert, ...rule }]))

/** As Grafana sends them, with all its variables filled in. */
const filled = (expression: string) =>
  expression
    .replaceAll(/\$__(rate_interval|range|interval)/g, '5m')
    .replaceAll('$job', '.+')
    .replaceAll('="$instance"', '=~".+"')

const queriesOf = ({ panels, annotations }: z.output<typeof dashboardSchema>) => [
  ...panels.flatMap(({ targets }) => targets.map(({ expr, legendFormat }) => ({ expr: filled(expr), legend: legendFormat }))),
  ...annotations.list.map(({ expr }) => ({ expr: filled(expr), legend: '' })),
]
const queries = dashboards.flatMap(({ name, board }) => queriesOf(board).map((query) => ({ name, ...query })))

let world: PaidPurser
let catalogue: Catalogue

beforeAll(async () => {
  world = await startPaidPurser()
  const live = catalogueOf(await world.scrape())
  const made = rules.flatMap(({ record, expr }) => (record === undefined ? [] : [[record, recorded(expr, live)] as const]))
  catalogue = new Map([...live, ...made])
}, 60_000)
afterAll(() => world?.[Symbol.asyncDispose]())

const wrong = (expressions: readonly { readonly expr: string }[]) =>
  expressions.map(({ expr }) => ({ expr, problems: problemsOf(expr, catalogue) })).filter(({ problems }) => problems.length > 0)

describe('metrics.listen', () => {
  it('serves metrics, alive and ready on its own address, and nothing else', async () => {
    const get = async (path: string) => fetch(`${world.metricsUrl}${path}`)
    expect(await (await get('/healthz')).json()).toEqual({ alive: true })
    expect(await (await get('/readyz')).json()).toEqual({ ready: true, reasons: [] })
    expect(await world.scrape()).toContain('purser_requests_total{mode="reverse",outcome="paid"} 3')
    expect(await world.scrape()).toContain('\npurser_ready 1\n')
    expect((await get('/v1/sessions')).status).toBe(404)
    expect(world.metricsUrl).not.toBe(world.purser.app.adminUrl)
  })
})

describe('dashboards', () => {
  it('ask only for metrics, labels and values that a Purser shows', () => {
    expect(queries.length).toBeGreaterThan(80)
    expect(wrong(queries)).toEqual([])
  })

  it('name only labels in their legends that the query leaves', () => {
    const unnamed = queries.flatMap(({ expr, legend }) => {
      const { left, selectors } = parseQuery(expr)
      const all = left ?? selectors.flatMap(({ metric }) => ['job', 'instance', 'ledger', ...(catalogue.get(metric)?.keys() ?? [])])
      return [...legend.matchAll(/\{\{(\w+)\}\}/g)].filter(([, label = '']) => !all.includes(label)).map(([label]) => `${expr}: ${label}`)
    })
    expect(unnamed).toEqual([])
  })

  it('say what every panel shows, in which unit, and overlap nowhere', () => {
    for (const { board } of dashboards) {
      const shown = board.panels.filter(({ type }) => type !== 'row')
      expect(shown.filter(({ description = '' }) => description.length < 4).map(({ title }) => title)).toEqual([])
      expect(shown.filter(({ type, fieldConfig }) => !['table', 'heatmap'].includes(type) && !fieldConfig?.defaults.unit)).toEqual([])
      const cells = board.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
      )
      expect(new Set(cells).size).toBe(cells.length)
      expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length)
    }
  })

  it('link only to dashboards that are there', () => {
    const uids = new Set(dashboards.map(({ board }) => board.uid))
    const texts = [...DASHBOARDS.map((name) => join(GRAFANA, name)), ...RULES].map((file) => readFileSync(file, 'utf8')).join('\n')
    const linked = [...texts.matchAll(/\/d\/([\w-]+)/g)].map(([, uid = '']) => uid)
    expect(linked.length).toBeGreaterThan(20)
    expect(linked.filter((uid) => !uids.has(uid))).toEqual([])
  })
})

describe('rules', () => {
  it('ask only for metrics, labels and values that a Purser shows', () => {
    expect(rules.length).toBeGreaterThan(30)
    expect(wrong(rules)).toEqual([])
  })

  it('speak in their sentences only of labels that the alert has', () => {
    const unnamed = alerts.flatMap(({ expr, annotations }) => {
      const { left, selectors } = parseQuery(expr)
      const all = left ?? selectors.flatMap(({ metric }) => ['job', 'instance', ...(catalogue.get(metric)?.keys() ?? [])])
      const said = `${annotations?.summary} ${annotations?.description}`
      return [...said.matchAll(/\$labels\.(\w+)/g)].filter(([, label = '']) => !all.includes(label)).map(([label]) => `${expr}: ${label}`)
    })
    expect(unnamed).toEqual([])
  })

  it('each alert has a runbook in docs/grafana.md, and no other stands there', () => {
    const documented = [...readFileSync(join(ROOT, 'docs/grafana.md'), 'utf8').matchAll(/^### (Purser\w+)$/gm)].map(([, name]) => name)
    expect(documented.sort()).toEqual(alerts.map(({ alert }) => alert).sort())
    expect(alerts.map(({ annotations }) => annotations?.runbook)).toEqual(
      alerts.map(({ alert }) => `docs/grafana.md#${alert.toLowerCase()}`),
    )
  })
})

describe('the check itself', () => {
  it.each([
    ['sum(rate(purser_request_total[5m]))', 'there is no metric purser_request_total'],
    ['purser_requests_total{door="reverse"}', 'purser_requests_total has no label door'],
    ['purser_requests_total{outcome="payed"}', 'purser_requests_total has no outcome “payed”'],
    ['purser_requests_total{outcome=~"paid|payed"}', 'purser_requests_total has no outcome “payed”'],
    ['sum by (tier) (purser_requests_total)', 'purser_requests_total has no label tier'],
    ['purser_decisions_total{code="no_such_code"}', 'purser_decisions_total has no code “no_such_code”'],
    ['purser_requests_total / on (tier) purser_sessions', 'purser_requests_total,purser_sessions has no label tier'],
    ['job:purser_requests:rate1m', 'there is no metric job:purser_requests:rate1m'],
    ['sum(rate(purser_requests_total[5m])', 'breaks at'],
  ])('refuses %s', (expression, reason) => {
    expect(problemsOf(expression, catalogue).join('\n')).toContain(reason)
  })
})

const prometheus = found('prometheus')
const promtool = found('promtool')

describe.skipIf(!promtool)('promtool (where the machine has it)', () => {
  const run = (...words: string[]) => execFileSync(promtool ?? '', words, { encoding: 'utf8' })

  it('takes the rules, and what a Purser shows', async () => {
    expect(run('check', 'rules', ...RULES)).toContain(`${alerts.length} rules found`)
    const text = await world.scrape()
    execFileSync(promtool ?? '', ['check', 'metrics'], { input: text.replaceAll(/^nodejs_active_.*$/gm, ''), encoding: 'utf8' })
  })

  it('sees every alert fire when it should, and keep quiet before', async () => {
    expect(CASES.map(({ alert }) => alert).sort()).toEqual(alerts.map(({ alert }) => alert).sort())
    const folder = await mkdtemp(join(tmpdir(), 'purser-promtool-'))
    const file = join(folder, 'cases.yaml')
    try {
      await writeFile(file, stringify(unitTests(RULES)))
      expect(run('test', 'rules', file)).toContain('SUCCESS')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe.skipIf(!prometheus)('Prometheus (where the machine has it)', () => {
  it('scrapes a live Purser, records every rule, and answers every query of every dashboard', async () => {
    const target = new URL(world.metricsUrl).host
    await using server = await startPrometheus({ program: prometheus ?? '', target, ruleFiles: RULES })
    const ask = (query: string) => server.ask<{ result: unknown[] }>('query', { query })
    await vi.waitFor(async () => expect((await ask('count_over_time(up[1m]) >= 3')).result).toHaveLength(1), {
      timeout: 20_000,
      interval: 200,
    })
    await world.ask(`/weather?scraped=${Date.now()}`)
    const spending = 'sum(increase(purser_payment_amount_usd_total[1m])) > 0'
    await vi.waitFor(async () => expect((await ask(spending)).result).toHaveLength(1), { timeout: 20_000, interval: 200 })
    for (const { expr } of queries) await ask(expr)
    const { groups } = await server.ask<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>('rules')
    const sick = groups.flatMap((group) => group.rules).filter(({ health }) => health === 'err')
    expect(sick).toEqual([])
    for (const { record } of rules.filter(({ record = '' }) => /^(ledger|job:purser_(requests|payments|refusals))/.test(record)))
      expect([record, (await ask(record ?? '')).result.length]).not.toEqual([record, 0])
    expect((await ask('ALERTS{alertname="PurserProhibitedAttempt"}')).result).toHaveLength(1)
    expect((await ask('ALERTS{severity="critical"}')).result).toEqual([])
  }, 60_000)
})

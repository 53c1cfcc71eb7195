/** How it goes: what was spent and refused of late, what waits, which budgets run low. */
import type { ComponentChild } from 'preact'
import type { PaymentView } from '../../admin/views.ts'
import { href } from '../address.ts'
import { State } from '../components/badge.tsx'
import { BudgetBar } from '../components/bar.tsx'
import { type Loaded, useLoaded } from '../components/loaded.tsx'
import { Empty, ProblemNote } from '../components/notes.tsx'
import { Plot } from '../components/plot.tsx'
import { When } from '../components/time.tsx'
import { decimalOf, money, words } from '../format.ts'
import { goInstead, route } from '../router.tsx'
import { currenciesOf, drawnIn, type TierSpending } from './spending.ts'

type Amounts = Readonly<Record<string, string>>

interface BudgetRow {
  readonly sessionId: string
  readonly name: string | null
  readonly agent: string
  readonly purpose: string
  readonly currency: string
  readonly cap: string
  readonly spent: string
  readonly held: string
  readonly remaining: string
}

interface Overview {
  readonly step_ms: number
  readonly exposure: Amounts
  readonly approvalsPending: number
  readonly disputes: number
  readonly unresolved: number
  readonly budgets: readonly BudgetRow[]
  readonly budgetSums: Readonly<Record<string, { readonly sessions: number; readonly remaining: string }>>
  readonly budgetsPartial: boolean
  readonly payments: Readonly<Record<'settled' | 'open' | 'unknown' | 'expired' | 'void' | 'refused', number>>
  readonly paid: Amounts
  readonly refusals: readonly { readonly code: string; readonly count: number }[]
  readonly series: { readonly at_s: readonly number[]; readonly tiers: readonly TierSpending[] }
  readonly newest: readonly PaymentView[]
}

/** For so long the server answers the same, and a little. */
export const OVERVIEW_KEPT_MS = { hour: 2_200, day: 20_200 } as const

export function OverviewPage() {
  const span = route.value.query.get('span') === 'day' ? 'day' : 'hour'
  const loaded = useLoaded<Overview>(
    '/v1/overview',
    { span },
    { news: ['payment', 'approval', 'session', 'halts'], keptFor_ms: OVERVIEW_KEPT_MS[span] },
  )
  const { data, problem } = loaded
  return (
    <>
      <div class="page-head">
        <h1>Overview</h1>
        <label class="inline">
          <span class="visually-hidden">Time shown</span>
          <select value={span} onChange={({ currentTarget }) => goInstead('/', { span: currentTarget.value })}>
            <option value="hour">The last hour</option>
            <option value="day">The last day</option>
          </select>
        </label>
      </div>
      <Halted />
      {problem && <ProblemNote problem={problem} />}
      {data && <Shown overview={data} span={span} />}
    </>
  )
}

function Halted() {
  const { data }: Loaded<{ items: readonly { scope: string; value: string; reason: string }[] }> = useLoaded(
    '/v1/halts',
    {},
    { news: ['halts'] },
  )
  if (!data || data.items.length === 0) return null
  return (
    <div class="note bad">
      {data.items.map(({ scope, value, reason }) => (
        <p key={`${scope} ${value}`}>
          Payments are stopped{scope === 'all' ? '' : ` for ${scope} ${value}`}
          {reason === '' ? '.' : `: ${reason}`}
        </p>
      ))}
      <p>
        <a href={href('/stop')}>To the switch</a>
      </p>
    </div>
  )
}

function Shown({ overview, span }: { readonly overview: Overview; readonly span: string }) {
  return (
    <>
      <Figures overview={overview} span={span} />
      <Spending overview={overview} span={span} />
      <div class="grid">
        <Budgets overview={overview} />
        <Refusals overview={overview} />
      </div>
      <Newest payments={overview.newest} />
    </>
  )
}

/** Every currency that there is; nothing is nothing of the usual one. */
function amounts(all: Amounts): string {
  const list = Object.entries(all).map(([currency, amount]) => money(amount, currency))
  return list.length === 0 ? money('0', 'USD') : list.join(' + ')
}

function Figures({ overview, span }: { readonly overview: Overview; readonly span: string }) {
  const { paid, exposure, budgetSums, budgetsPartial, approvalsPending, payments, unresolved, disputes } = overview
  const left = Object.fromEntries(Object.entries(budgetSums).map(([currency, { remaining }]) => [currency, remaining]))
  const open = Object.values(budgetSums).reduce((sum, { sessions }) => sum + sessions, 0)
  return (
    <dl class="figures">
      <Figure name={`Spent in the last ${span}`} value={amounts(paid)} more={`${payments.settled} settled`} />
      <Figure
        name="Held"
        value={amounts(exposure)}
        more={unresolved > 0 ? `${unresolved} with an unknown outcome` : 'may still be taken'}
      />
      <Figure
        name="Left in open budgets"
        value={amounts(left)}
        more={`${open} ${open === 1 ? 'budget' : 'budgets'}${budgetsPartial ? ' or more' : ''}`}
      />
      <Figure name="Waiting for approval" value={String(approvalsPending)} more={<a href={href('/approvals')}>Decide</a>} />
      <Figure
        name={`Refused in the last ${span}`}
        value={String(payments.refused)}
        more={disputes > 0 ? <a href={href('/payments', { disputed: 'true' })}>{disputes} disputed</a> : 'nothing disputed'}
      />
    </dl>
  )
}

interface FigureProps {
  readonly name: string
  readonly value: string
  readonly more: ComponentChild
}

function Figure({ name, value, more }: FigureProps) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>{value}</dd>
      <dd class="muted">{more}</dd>
    </div>
  )
}

function Spending({ overview, span }: { readonly overview: Overview; readonly span: string }) {
  const { at_s, tiers } = overview.series
  const currencies = currenciesOf(tiers)
  const per = overview.step_ms === 60_000 ? 'minute' : `${overview.step_ms / 60_000} minutes`
  return (
    <section class="card" aria-labelledby="spending">
      <h2 id="spending">Spent per {per}</h2>
      {currencies.length === 0 && <Empty>Nothing was paid in the last {span}.</Empty>}
      {currencies.map((currency) => {
        const drawn = drawnIn(currency, tiers)
        return (
          <div key={currency}>
            <Plot
              title={`${currency} spent by tier, over the last ${span}`}
              at_s={at_s}
              series={drawn}
              write={(value) => axis(value, currency)}
            />
            <ul class="totals">
              {drawn.map(({ label, total, count }) => (
                <li key={label}>
                  <strong>{label}</strong> {money(total, currency)}{' '}
                  <span class="muted">
                    in {count} {count === 1 ? 'payment' : 'payments'}
                  </span>
                </li>
              ))}
            </ul>
          </div>
        )
      })}
    </section>
  )
}

/** At an axis, which is a picture: what it shows may be rounded. */
function axis(value: number, currency: string): string {
  return money(decimalOf(BigInt(Math.round(value * 1_000_000))), currency)
}

function Budgets({ overview: { budgets } }: { readonly overview: Overview }) {
  return (
    <section class="card" aria-labelledby="budgets">
      <div class="page-head">
        <h2 id="budgets">Fullest budgets</h2>
        <a href={href('/sessions')}>All sessions</a>
      </div>
      {budgets.length === 0 && <Empty>No session is open. Without one nothing can be paid.</Empty>}
      <ul class="budgets">
        {budgets.map(({ sessionId, name, agent, purpose, remaining, ...budget }) => (
          <li key={sessionId}>
            <div class="page-head">
              <a href={href(`/sessions/${encodeURIComponent(sessionId)}`)}>{name ?? agent}</a>
              <span class="number">
                {money(remaining, budget.currency)} <span class="muted">left of {money(budget.cap, budget.currency)}</span>
              </span>
            </div>
            <BudgetBar {...budget} />
            <p class="muted small clip">{purpose}</p>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Refusals({ overview: { refusals } }: { readonly overview: Overview }) {
  const most = Math.max(1, ...refusals.map(({ count }) => count))
  return (
    <section class="card" aria-labelledby="refusals">
      <h2 id="refusals">Refused, by reason</h2>
      {refusals.length === 0 && <Empty>Nothing was refused.</Empty>}
      <ul class="counts">
        {refusals.map(({ code, count }) => (
          <li key={code}>
            <span>{words(code)}</span>
            <span class="number">{count}</span>
            <span class="bar" aria-hidden="true">
              <span class="spent" style={{ width: `${(count * 100) / most}%` }} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Newest({ payments }: { readonly payments: readonly PaymentView[] }) {
  return (
    <section class="card" aria-labelledby="newest">
      <div class="page-head">
        <h2 id="newest">Newest payments</h2>
        <a href={href('/payments')}>All payments</a>
      </div>
      {payments.length === 0 && <Empty>No payment was asked for yet.</Empty>}
      {payments.length > 0 && (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th>When</th>
                <th>Agent</th>
                <th>For</th>
                <th>State</th>
                <th class="amount">Amount</th>
              </tr>
            </thead>
            <tbody>
              {payments.map((payment) => (
                <Row key={payment.id} payment={payment} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

function Row({ payment }: { readonly payment: PaymentView }) {
  const { id, times, agent, method, url, state, code, amount, currency } = payment
  return (
    <tr>
      <td>
        <When at={times.decided} />
      </td>
      <td class="cut">{agent}</td>
      <td class="cut">
        <a href={href(`/payments/${encodeURIComponent(id)}`)}>
          {method} {url}
        </a>
      </td>
      <td>
        <State of={state} /> {code !== null && <span class="muted small">{words(code)}</span>}
      </td>
      <td class="amount">{amount === null || currency === null ? '–' : money(amount, currency)}</td>
    </tr>
  )
}

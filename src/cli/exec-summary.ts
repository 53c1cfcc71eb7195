/** What `exec` prints at its end: the budget as a bar, who was paid, and why not. It fits on one screen, however much was bought. */
import { displayAmount, parseAmount } from '../money.ts'
import type { PaymentAnswer, SessionAnswer } from './answers.ts'
import { display } from './statement.ts'
import { counted, facts, type Sink, table } from './terminal.ts'

/** Rows of each list: with the rest of the summary they fit on a terminal of 24 lines. */
const ROWS = 5
const CELLS = 40n
const REASON_CHARS = 100
const PAID = new Set(['settled', 'unknown', 'sent', 'signed', 'expired'])

export interface Outcomes {
  readonly paid: number
  readonly refused: number
}

export function outcomesOf(payments: readonly PaymentAnswer[]): Outcomes {
  const paid = payments.filter(({ state }) => PAID.has(state)).length
  return { paid, refused: payments.filter(({ state }) => state === 'denied').length }
}

interface Happened {
  readonly payments: readonly PaymentAnswer[]
  /** Whether `payments` are all of the session's. */
  readonly complete: boolean
  /** How many questions to people ended with the session. */
  readonly unanswered: number
}

export function summaryText(session: SessionAnswer, { payments, complete, unanswered }: Happened, { paint }: Pick<Sink, 'paint'>): string {
  const { currency, cap, spent, held, remaining } = session
  const money = (amount: string) => display(amount, currency)
  const { paid, refused } = outcomesOf(payments)
  const most = complete ? '' : ' among the latest 1,000'
  const waits = parseAmount(held) > 0n ? '  (may still be taken; it counts until the outcome is known)' : ''
  return [
    paint('bold', `Session ${session.id} is ${session.state}.`),
    budgetBar(session, paint),
    facts([
      ['Spent', `${money(spent)} of ${money(cap)}`],
      ['Held', `${money(held)}${waits}`],
      ['Remaining', money(remaining)],
      ['Payments', `${paid} made, ${refused} refused${most}`],
      ...(unanswered > 0 ? [['People', withdrawn(unanswered, session)] as const] : []),
    ]),
    ...section('Paid', recipientRows(payments, currency)),
    ...section('Refused', refusalRows(payments)),
    ...(payments.length > 0 ? [paint('dim', `More: purser payments list --session ${session.id}`)] : []),
  ].join('\n')
}

function withdrawn(count: number, { id }: SessionAnswer): string {
  return `${counted(count, 'question')} ended with the session: purser approvals list --state withdrawn --session ${id}`
}

/** Spent, held, left: full, half and empty cells. Whatever is above zero shows. */
function budgetBar({ cap, spent, held }: SessionAnswer, paint: Sink['paint']): string {
  const whole = parseAmount(cap)
  const [gone, waiting] = [parseAmount(spent), parseAmount(held)]
  const spentCells = cellsOf(gone, whole, CELLS)
  const heldCells = cellsOf(waiting, whole, CELLS - spentCells)
  const used = whole > 0n ? `  ${((gone + waiting) * 100n) / whole}% used` : ''
  const left = Number(CELLS - spentCells - heldCells)
  return `[${paint('green', '█'.repeat(Number(spentCells)))}${paint('yellow', '▒'.repeat(Number(heldCells)))}${'·'.repeat(left)}]${used}`
}

function cellsOf(part: bigint, whole: bigint, most: bigint): bigint {
  if (part <= 0n || whole <= 0n) return 0n
  const cells = (part * CELLS) / whole || 1n
  return cells < most ? cells : most
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return []
  const shown = rows.slice(0, ROWS)
  const rest = rows.length > ROWS ? [`  and ${rows.length - ROWS} more`] : []
  const columns = shown[0]?.map(() => ({ title: '' })) ?? []
  const lines = table(columns, shown).split('\n').slice(1)
  return [`${title}:`, ...lines.map((line) => `  ${line}`), ...rest]
}

/** The dearest first. */
function recipientRows(payments: readonly PaymentAnswer[], currency: string): string[][] {
  const made = payments.filter(({ state }) => PAID.has(state))
  return grouped(made, ({ host, url }) => host ?? hostOf(url))
    .map(([host, of]) => ({ host, count: of.length, sum: of.reduce((sum, { amount }) => sum + parseAmount(amount ?? '0'), 0n) }))
    .sort((a, b) => (a.sum === b.sum ? 0 : a.sum < b.sum ? 1 : -1))
    .map(({ host, count, sum }) => [host, displayAmount(sum, currency), counted(count, 'payment')])
}

function refusalRows(payments: readonly PaymentAnswer[]): string[][] {
  const denied = payments.filter(({ state }) => state === 'denied')
  return grouped(denied, ({ code }) => code ?? 'refused')
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([code, of]) => [code, `${of.length}×`, shortened(of[0]?.reason ?? '')])
}

function shortened(reason: string): string {
  return reason.length <= REASON_CHARS ? reason : `${reason.slice(0, REASON_CHARS - 1)}…`
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): [string, readonly T[]][] {
  return [...Map.groupBy(items, keyOf)]
}

function hostOf(url: string): string {
  return URL.parse(url)?.host ?? url
}

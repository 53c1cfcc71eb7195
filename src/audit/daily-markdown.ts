/** A daily report as a page for people: its totals, then a table per agent, cost centre, recipient and tier. */
import { CURRENCY_DECIMALS, formatAmount } from '../money.ts'
import type { DailyOutcome, DailyReport } from './daily.ts'

type Line = DailyReport['lines'][number]

/** How each outcome counts, for those who keep books. */
const MEANING: Readonly<Record<DailyOutcome, string>> = {
  settled: 'spent: settled',
  open: 'held: not certain yet',
  expired: 'spent: expired without proof',
  void: 'freed: void, nothing was paid',
  refused: 'refused: attempts',
}

const GROUPS: readonly (readonly [title: string, name: (line: Line) => string])[] = [
  ['Agent', ({ agent }) => agent],
  ['Cost centre', ({ costCentre = '' }) => costCentre],
  ['Recipient', ({ host }) => host],
  ['Tier', ({ tier }) => tier],
]

/** CommonMark with tables. Names are shown as they are: nothing in them is markup. */
export function dailyMarkdown(report: DailyReport): string {
  const { lines } = report
  const body =
    lines.length === 0
      ? ['Nothing was asked for on this day.']
      : [totalsTable(report), ...GROUPS.map(([title, name]) => groupTable(title, Map.groupBy(lines, name))), WORDS]
  return `${[...headOf(report), ...body, footOf(report)].join('\n\n')}\n`
}

function headOf({ date, final, generatedAt }: DailyReport): string[] {
  const state = final ? 'The day is closed.' : 'The day is not closed: it goes on, or payments of it are open.'
  return [`# Report of ${date}`, `${state} Made at ${generatedAt}; days are UTC.`]
}

function totalsTable({ totals }: DailyReport): string {
  const rows = totals.map(({ outcome, payments, amount, currency }) => {
    return [MEANING[outcome], String(payments), currency === null ? NOTHING : money(amount, currency)]
  })
  return `## Totals\n\n${tableOf(['Outcome', 'Payments', 'Amount'], rows)}`
}

const WORDS =
  'Payments: settled, held or expired. Spent counts what settled and what expired without proof; what came back is apart, and is not taken off. Held may still be taken. Void was freed: nothing was paid. Refused counts attempts.'

function footOf({ ledgerId, policyVersions, receipts, publicKey }: DailyReport): string {
  return [
    `- Ledger: ${plain(ledgerId)}`,
    `- Policies: ${policyVersions.map(plain).join(', ') || 'none'}`,
    `- Receipts of the day: ${receipts.count}, SHA-256 ${receipts.digest}`,
    `- Signed by: ${publicKey}. The signature stands in the report’s JSON, from which this page was made.`,
  ].join('\n')
}

const HEADINGS = ['Payments', 'Spent', 'Came back', 'Held', 'Void', 'Refused']

/** Who spent most comes first. */
function groupTable(title: string, groups: ReadonlyMap<string, readonly Line[]>): string {
  const rows = [...groups]
    .map(([name, lines]) => ({ name, lines, weight: total(lines.filter(isSpent), amountOf) }))
    .sort((a, b) => (a.weight === b.weight ? (a.name < b.name ? -1 : 1) : a.weight > b.weight ? -1 : 1))
    .map(({ name, lines }) => [nameCell(name), ...cellsOf(lines)])
  return `## Per ${title.toLowerCase()}\n\n${tableOf([title, ...HEADINGS], rows)}`
}

function cellsOf(lines: readonly Line[]): string[] {
  const [spent, held] = [lines.filter(isSpent), lines.filter(({ outcome }) => outcome === 'open')]
  const count = (some: readonly Line[]) => some.reduce((sum, { payments }) => sum + payments, 0)
  const counted = (outcome: DailyOutcome) => String(count(lines.filter((line) => line.outcome === outcome)) || NOTHING)
  return [
    String(count([...spent, ...held]) || NOTHING),
    ...[sums(spent, amountOf), sums(lines, ({ refunded }) => millionths(refunded)), sums(held, amountOf)],
    ...[counted('void'), counted('refused')],
  ]
}

function isSpent({ outcome }: Line): boolean {
  return outcome === 'settled' || outcome === 'expired'
}

function amountOf({ amount }: Line): bigint {
  return millionths(amount)
}

function total(lines: readonly Line[], value: (line: Line) => bigint): bigint {
  return lines.reduce((sum, line) => sum + value(line), 0n)
}

/** "1.50 USD", or one sum for each currency. */
function sums(lines: readonly Line[], value: (line: Line) => bigint): string {
  const all = [...Map.groupBy(lines, ({ currency }) => currency)]
    .map(([currency, some]) => ({ currency, sum: total(some, value) }))
    .filter(({ sum }) => sum > 0n)
  return all.map(({ currency, sum }) => money(formatAmount(sum), currency ?? '')).join(', ') || NOTHING
}

/** However many digits: what a stranger asked for and was refused has no bound. */
function millionths(amount: string): bigint {
  const [whole = '0', fraction = ''] = amount.split('.')
  return BigInt(`${whole}${fraction.padEnd(CURRENCY_DECIMALS, '0')}`)
}

function money(amount: string, currency: string): string {
  return `${amount} ${plain(currency)}`
}

const NOTHING = '–'

/** The first column holds names, the others numbers. */
function tableOf(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = titles.map((_, at) => (at === 0 ? ':--' : '--:'))
  return [titles, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function nameCell(name: string): string {
  if (name === '') return '*none*'
  return name === '*' ? '*others*' : plain(name)
}

/** A blank for each line break and control character: a name is one line. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]+/gu

/** What could be markup, a link or a mention. Between letters an underscore is none, nor a colon before a port. */
const MARKUP = /(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|:(?!\d)|(?<=www)\.|[^\p{L}\p{M}\p{N} _:./-]/giu

/** Written as a character reference, a character is never read as markup, by any reader of Markdown. */
function plain(text: string): string {
  return text.replaceAll(UNSEEN, ' ').replaceAll(MARKUP, (found) => `&#${found.codePointAt(0)};`)
}

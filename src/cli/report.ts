/** `purser report …`: a day added up and signed, as of now or as it was kept, and whether such a report is genuine. */
import { readFile, writeFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { type DailyReport, dailyReportSchema, isSignedReport } from '../audit/daily.ts'
import { DAILY_FORMATS, type DailyFormat, dailyText } from '../audit/daily-formats.ts'
import { pageOf, ReceiptKeyAnswer } from './answers.ts'
import { CliFailure } from './failure.ts'
import { type CommonFlags, command, countFlag, group, queryOf } from './options.ts'
import { connectAdmin } from './settings.ts'
import { display } from './statement.ts'
import { printJson, type Terminal, table } from './terminal.ts'

interface ShowFlags extends CommonFlags {
  readonly format?: DailyFormat
  readonly out?: string
}

interface DailyFlags extends ShowFlags {
  readonly date?: string
}

interface ListFlags extends CommonFlags {
  readonly limit: number
  readonly cursor?: string
}

interface VerifyFlags extends CommonFlags {
  readonly key?: string
}

const DAY_MS = 86_400_000
const KeptAnswer = z.looseObject({ date: z.string(), final: z.boolean(), madeAt: z.string() })

export function reportCommand(terminal: Terminal): Command {
  const daily = command('daily', 'what was paid and refused on a day (UTC), added up and signed')
    .option('--date <day>', 'like 2026-06-27; without it yesterday')
    .addOption(formatOption())
    .option('--out <file>', 'write it there')
    .action((flags: DailyFlags) => reportDay(flags, terminal))
  const list = command('list', 'the days whose report is kept, newest first')
    .option('--limit <count>', 'at most so many', countFlag, 100)
    .option('--cursor <cursor>', 'go on behind an earlier page')
    .action((flags: ListFlags) => listKept(flags, terminal))
  const show = command('show', 'the report of a day as it was kept soon after its end')
    .argument('<day>', 'like 2026-06-27')
    .addOption(formatOption())
    .option('--out <file>', 'write it there')
    .action((day: string, flags: ShowFlags) => showKept(day, flags, terminal))
  const verify = command('verify', 'whether a report was signed by this Purser')
    .argument('<file>', 'a report')
    .option('--key <hex>', 'the public key, as `purser receipts key` prints it; without it the running Purser is asked')
    .action((file: string, flags: VerifyFlags) => verifyReport(file, flags, terminal))
  return group('report', [daily, list, show, verify])
}

function formatOption(): Option {
  return new Option('--format <format>', 'as a file; only json is signed, and is what --out writes without this').choices(DAILY_FORMATS)
}

async function reportDay(flags: DailyFlags, terminal: Terminal): Promise<void> {
  const date = flags.date ?? new Date(terminal.clock.now() - DAY_MS).toISOString().slice(0, 10)
  const report = await (await connectAdmin(flags, terminal)).get(`/v1/reports/daily?date=${encodeURIComponent(date)}`, dailyReportSchema)
  await printReport(report, flags, terminal)
}

async function listKept({ limit, cursor, ...flags }: ListFlags, terminal: Terminal): Promise<void> {
  const page = await (await connectAdmin(flags, terminal)).get(`/v1/reports${queryOf({ limit, cursor })}`, pageOf(KeptAnswer))
  if (flags.json) return printJson(terminal, page)
  const rows = page.items.map(({ date, final, madeAt }) => [date, final ? 'closed' : 'not closed yet', madeAt])
  terminal.out.line(
    rows.length === 0 ? 'No report is kept yet.' : table([{ title: 'DAY' }, { title: 'STATE' }, { title: 'MADE AT' }], rows),
  )
  if (page.next !== null) terminal.err.line(`More with --cursor ${page.next}`)
}

async function showKept(day: string, flags: ShowFlags, terminal: Terminal): Promise<void> {
  const report = await (await connectAdmin(flags, terminal)).get(`/v1/reports/kept/${encodeURIComponent(day)}`, dailyReportSchema)
  await printReport(report, flags, terminal)
}

async function printReport(report: DailyReport, { format, out, json }: ShowFlags, terminal: Terminal): Promise<void> {
  if (out !== undefined) await writeFile(out, dailyText(report, format ?? 'json'), { mode: 0o600 })
  if (json) return printJson(terminal, report)
  if (format !== undefined && out === undefined) return terminal.out.write(dailyText(report, format))
  if (format === undefined) terminal.out.line(shown(report))
  if (out !== undefined) terminal.out.line(`Wrote it${(format ?? 'json') === 'json' ? ', signed,' : ''} to ${out}.`)
}

function shown({ date, final, lines, totals, receipts }: DailyReport): string {
  const money = (amount: string, currency: string | null) => (currency === null ? '-' : display(amount, currency))
  const left = ['TIER', 'AGENT', 'COST CENTRE', 'RECIPIENT', 'CATEGORIES', 'OUTCOME'].map((title) => ({ title }))
  const right = ['PAYMENTS', 'AMOUNT'].map((title) => ({ title, align: 'right' as const }))
  const rows = lines.map(({ tier, agent, costCentre, host, categories, outcome, code, payments, amount, currency }) => [
    ...[tier || '-', agent, costCentre || '-', host, categories.join(' ') || '-', code === null ? outcome : `${outcome}: ${code}`],
    ...[String(payments), money(amount, currency)],
  ])
  const sums = totals.map(({ outcome, payments, amount, currency }) => `${outcome}: ${payments} for ${money(amount, currency)}`)
  return [
    rows.length === 0 ? `Nothing was asked for on ${date}.` : table([...left, ...right], rows),
    ...sums,
    `${receipts.count} receipts. ${final ? 'The day is closed.' : 'The day is not closed: it goes on, or payments of it are open.'}`,
  ].join('\n')
}

async function verifyReport(file: string, flags: VerifyFlags, terminal: Terminal): Promise<void> {
  const report = await readReport(file)
  const key = flags.key ?? (await (await connectAdmin(flags, terminal)).get('/v1/receipts/key', ReceiptKeyAnswer)).publicKey
  const reason = faultOf(report, key)
  terminal.exitCode = reason === null ? 0 : 1
  if (flags.json) return printJson(terminal, { ok: reason === null, reason, date: report.date })
  terminal.out.line(reason === null ? `The report of ${report.date} is as it was signed.` : `The report does not hold: ${reason}`)
}

function faultOf(report: DailyReport, key: string): string | null {
  if (!isSignedReport(report)) return 'its content does not match its signature.'
  return report.publicKey === key.toLowerCase() ? null : 'it is signed with another key than this Purser’s.'
}

async function readReport(file: string): Promise<DailyReport> {
  try {
    return dailyReportSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (cause) {
    throw new CliFailure(`${file} is not a daily report.`, { cause })
  }
}

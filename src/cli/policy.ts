/** `purser policy …`: what the tiers say, what is wrong with them, and how a decision comes about. */
import { type Command, Option } from 'commander'
import { parseAmount } from '../money.ts'
import type { Trust } from '../session/history.ts'
import { PaymentAnswer } from './answers.ts'
import { misused } from './failure.ts'
import { amountFlag, type CommonFlags, command, group } from './options.ts'
import { connectAdmin, hintAtDefaults, readSettings } from './settings.ts'
import { display } from './statement.ts'
import { facts, type Ink, printJson, type Terminal } from './terminal.ts'

interface ExplainFlags extends CommonFlags {
  readonly url?: string
  readonly amount?: string
  readonly method: string
  readonly tool?: string
  readonly payTo?: string
  readonly trust?: Trust
  readonly currency: string
}

export function policyCommand(terminal: Terminal): Command {
  const check = command('check', 'the tiers in sentences, and what is wrong with them; works offline').action((flags: CommonFlags) =>
    checkPolicy(flags, terminal),
  )
  const explain = command('explain', 'why a payment was decided so, or how one would be')
    .argument('[payment]', 'a payment that was made or refused; without it --url and --amount')
    .option('--url <url>', 'the resource')
    .option('--amount <amount>', 'its price', amountFlag)
    .option('--method <method>', 'the request’s method', 'GET')
    .option('--tool <name>', 'the agent’s tool')
    .option('--pay-to <address>', 'the recipient’s address; listings that name one match only with it')
    .addOption(new Option('--trust <trust>', 'suppose this trust').choices(['verified', 'known', 'unknown']))
    .option('--currency <code>', 'the currency of the amount', 'USD')
    .action((payment: string | undefined, flags: ExplainFlags) =>
      payment === undefined ? explainOffline(flags, terminal) : explainPayment(payment, flags, terminal),
    )
  return group('policy', [check, explain])
}

const INKS: Readonly<Record<'error' | 'warning' | 'note', Ink>> = { error: 'red', warning: 'yellow', note: 'dim' }

async function checkPolicy(flags: CommonFlags, terminal: Terminal): Promise<void> {
  const settings = await readSettings(flags, terminal)
  const [{ lintTiers }, { policySentences }] = await Promise.all([import('../policy/lint.ts'), import('../policy/sentences.ts')])
  const { tiers, mode, proxy, ...rules } = settings.config
  const lint = lintTiers(tiers, { rules, ...(proxy.defaultSession ? { cap: proxy.defaultSession.cap } : {}) })
  const sentences = policySentences({ tiers, mode })
  const ok = !lint.some(({ level }) => level === 'error')
  terminal.exitCode = ok ? 0 : 1
  if (flags.json) return printJson(terminal, { ok, mode, sentences, lint })
  hintAtDefaults(settings, terminal)
  terminal.out.line(sentences.join('\n'))
  for (const { level, tier, message } of lint) {
    terminal.out.line(`${terminal.out.paint(INKS[level], level)}  ${tier === '' ? '' : `${tier}: `}${message}`)
  }
  if (lint.length === 0) terminal.out.line(terminal.out.paint('green', 'Nothing is wrong with it.'))
}

async function explainOffline(flags: ExplainFlags, terminal: Terminal): Promise<void> {
  const { url, amount, method, tool, payTo, trust, currency } = flags
  if (url === undefined || amount === undefined) throw misused('Name a payment, or a resource with --url and --amount.')
  if (!URL.canParse(url)) throw misused(`--url ${url} is not a URL.`, 'Write it like https://api.example.com/search.')
  const { config } = await readSettings(flags, terminal)
  const [{ explain }, { policyVersion }] = await Promise.all([import('../policy/explain.ts'), import('../policy/version.ts')])
  const { tiers, mode, ...rules } = config
  const given = { ...(tool && { tool }), ...(payTo && { payTo }), ...(trust && { trust }) }
  const policy = { tiers, mode, rules, version: policyVersion({ mode, tiers, rules }) }
  const explanation = explain({ url, method, amount: parseAmount(amount), currency, policy, ...given })
  if (flags.json) printJson(terminal, explanation)
  else terminal.out.line(explanation.steps.join('\n'))
}

async function explainPayment(id: string, flags: ExplainFlags, terminal: Terminal): Promise<void> {
  if (flags.url !== undefined || flags.amount !== undefined) throw misused('Name a payment or a --url, not both.')
  const admin = await connectAdmin(flags, terminal)
  const payment = await admin.get(`/v1/payments/${encodeURIComponent(id)}`, PaymentAnswer)
  const { method, url, state, code, tier, rule, reason, amount, currency } = payment
  if (flags.json) return printJson(terminal, { id, method, url, state, code, tier, rule, reason, amount, currency })
  terminal.out.line(
    facts([
      ['Payment', `${id}: ${method} ${url}`],
      ['Price', amount && currency ? display(amount, currency) : 'not known'],
      ['Decision', code ? `${state} (${code})` : state],
      ['Tier', tier || 'none'],
      ['Rule', rule ?? '-'],
      ['Reason', reason],
    ]),
  )
}

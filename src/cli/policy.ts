/** `purser policy …`: what the tiers say, what is wrong with them, and how a decision comes about. */
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { parseAmount } from '../money.ts'
import type { Trust } from '../session/history.ts'
import { PaymentAnswer } from './answers.ts'
import { misused } from './failure.ts'
import { amountFlag, type CommonFlags, command, group } from './options.ts'
import { policyCheckCommand } from './policy-check.ts'
import { readBlockedLists } from './policy-file.ts'
import { policySimulateCommand } from './policy-simulate.ts'
import { connectAdmin, readSettings } from './settings.ts'
import { display } from './statement.ts'
import { facts, printJson, type Terminal } from './terminal.ts'

const ExplanationAnswer = z.looseObject({ policyVersion: z.string(), steps: z.array(z.string()) })

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
  return group('policy', [policyCheckCommand(terminal), explain, policySimulateCommand(terminal)])
}

async function explainOffline(flags: ExplainFlags, terminal: Terminal): Promise<void> {
  const { url, amount, method, tool, payTo, trust, currency } = flags
  if (url === undefined || amount === undefined) throw misused('Name a payment, or a resource with --url and --amount.')
  if (!URL.canParse(url)) throw misused(`--url ${url} is not a URL.`, 'Write it like https://api.example.com/search.')
  const { config } = await readSettings(flags, terminal)
  const [{ explain }, { policyVersion }] = await Promise.all([import('../policy/explain.ts'), import('../policy/version.ts')])
  const { tiers, mode, ...stated } = config
  const blockedAddresses = await readBlockedLists(config.recipients.blockedFiles)
  const rules = { ...stated, ...(blockedAddresses && { blockedAddresses }) }
  const policy = { tiers, mode, rules, version: policyVersion({ mode, tiers, rules }) }
  const given = { ...(tool && { tool }), ...(payTo && { payTo }), ...(trust && { trust }) }
  const explanation = explain({ now: terminal.clock.now(), url, method, amount: parseAmount(amount), currency, policy, ...given })
  if (flags.json) printJson(terminal, explanation)
  else terminal.out.line(explanation.steps.join('\n'))
  if (trust === undefined) terminal.err.line('What agents paid before is not looked at here: --trust known supposes an earlier payment.')
}

async function explainPayment(id: string, flags: ExplainFlags, terminal: Terminal): Promise<void> {
  if (flags.url !== undefined || flags.amount !== undefined) throw misused('Name a payment or a --url, not both.')
  const admin = await connectAdmin(flags, terminal)
  const payment = await admin.get(`/v1/payments/${encodeURIComponent(id)}`, PaymentAnswer)
  const { policyVersion, steps } = await admin.get(`/v1/policy/explain/${encodeURIComponent(id)}`, ExplanationAnswer)
  const { method, url, state, code, tier, rule, reason, amount, currency } = payment
  const short = { id, method, url, state, code, tier, rule, reason, amount, currency }
  if (flags.json) return printJson(terminal, { ...short, policyVersion, steps })
  terminal.out.line(
    facts([
      ['Payment', `${id}: ${method} ${url}`],
      ['Price', amount && currency ? display(amount, currency) : 'not known'],
      ['State', code ? `${state} (${code})` : state],
      ['Tier', tier || 'none'],
      ['Rule', rule ?? '-'],
    ]),
  )
  terminal.out.line(['', ...steps].join('\n'))
}

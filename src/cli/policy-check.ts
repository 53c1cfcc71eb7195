/** `purser policy check`: the tiers in sentences, what is wrong with them, and whether they treat payments in proportion. */
import type { Command } from 'commander'
import { parseAmount } from '../money.ts'
import type { Finding } from '../policy/lint.ts'
import type { Checkable, Proportion } from '../policy/proportion.ts'
import { misused } from './failure.ts'
import { amountFlag, type CommonFlags, command } from './options.ts'
import { readPolicyFile } from './policy-file.ts'
import { hintAtDefaults, readSettings } from './settings.ts'
import { type Ink, printJson, type Terminal, table } from './terminal.ts'

interface CheckFlags extends CommonFlags {
  readonly flatLimit?: string
  readonly strict?: true
}

export function policyCheckCommand(terminal: Terminal): Command {
  return command('check', 'whether the tiers treat payments in proportion, and what is wrong with them; works offline')
    .argument('[file]', 'a configuration, only tiers, or { type: flat_limit, limit }; without it the configuration')
    .option('--flat-limit <amount>', 'check one limit for everything, as it stands in many wallets', amountFlag)
    .option('--strict', 'fail unless all five checks pass; without it errors and flat limits fail')
    .action((file: string | undefined, flags: CheckFlags) => checkPolicy(file, flags, terminal))
}

interface Subject {
  readonly policy: Checkable
  readonly lint: readonly Finding[]
  readonly sentences: readonly string[]
}

async function checkPolicy(file: string | undefined, flags: CheckFlags, terminal: Terminal): Promise<void> {
  const { isFlat, proportionOf } = await import('../policy/proportion.ts')
  const { policy, lint, sentences } = await subjectOf(file, flags, terminal)
  const proportion = proportionOf(policy)
  const errors = lint.some(({ level }) => level === 'error')
  const ok = !errors && !isFlat(proportion) && (flags.strict ? proportion.compliant : true)
  terminal.exitCode = ok ? 0 : 1
  if (flags.json) return printJson(terminal, { ok, ...proportion, lint, sentences })
  if (sentences.length > 0) terminal.out.line(`${sentences.join('\n')}\n`)
  terminal.out.line(proportionTable(proportion, terminal))
  printFindings(lint, terminal)
  if (lint.length === 0 && proportion.compliant) terminal.out.line(terminal.out.paint('green', 'Nothing is wrong with it.'))
}

async function subjectOf(file: string | undefined, flags: CheckFlags, terminal: Terminal): Promise<Subject> {
  if (flags.flatLimit !== undefined) {
    if (file !== undefined) throw misused('Name a file or a --flat-limit, not both.')
    return { policy: { type: 'flat_limit', limit: parseAmount(flags.flatLimit) }, lint: [], sentences: [] }
  }
  const [{ lintTiers }, { policySentences }] = await Promise.all([import('../policy/lint.ts'), import('../policy/sentences.ts')])
  if (file !== undefined) {
    const policy = await readPolicyFile(file, terminal)
    if (policy.type === 'flat_limit') return { policy, lint: [], sentences: [] }
    return { policy, lint: lintTiers(policy.tiers), sentences: policySentences({ tiers: policy.tiers, mode: 'enforce' }) }
  }
  const settings = await readSettings(flags, terminal)
  if (!flags.json) hintAtDefaults(settings, terminal)
  const { tiers, mode, proxy, ...rules } = settings.config
  const lint = lintTiers(tiers, { rules, ...(proxy.defaultSession ? { cap: proxy.defaultSession.cap } : {}) })
  return { policy: { type: 'tiered', tiers }, lint, sentences: policySentences({ tiers, mode }) }
}

function proportionTable(proportion: Proportion, { out }: Terminal): string {
  const { compliant, checks, findings, regulatory_confidence, regulatory_risk, remediation } = proportion
  const rows = Object.entries(findings).map(([check, finding]) => {
    const passed = Object.entries(checks).some(([name, ok]) => name === check && ok)
    return [check, passed ? 'yes' : 'no', finding]
  })
  const verdict = compliant
    ? out.paint('green', `In proportion (regulatory confidence ${regulatory_confidence}).`)
    : out.paint(
        'yellow',
        `Not in proportion (regulatory confidence ${regulatory_confidence}, risk ${regulatory_risk ?? '-'}). This is advice: the policy holds all the same.`,
      )
  const remedy = remediation === undefined ? [] : [`What to do: ${remediation}`]
  return [table([{ title: 'CHECK' }, { title: 'MET' }, { title: 'FINDING' }], rows), '', verdict, ...remedy].join('\n')
}

const INKS: Readonly<Record<Finding['level'], Ink>> = { error: 'red', warning: 'yellow', note: 'dim' }

function printFindings(lint: readonly Finding[], { out }: Terminal): void {
  for (const { level, tier, message } of lint) out.line(`${out.paint(INKS[level], level)}  ${tier === '' ? '' : `${tier}: `}${message}`)
}

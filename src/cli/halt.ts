/** `purser halt` and `purser resume`: the kill switch, for everything or for one agent, session or recipient. */
import type { Command } from 'commander'
import { z } from 'zod'
import { AnyAnswer } from './answers.ts'
import { misused } from './failure.ts'
import { type CommonFlags, command } from './options.ts'
import { connectAdmin } from './settings.ts'
import { printJson, type Terminal } from './terminal.ts'

const SCOPES = ['agent', 'session', 'recipient'] as const

const Halts = z.looseObject({ items: z.array(z.looseObject({ scope: z.enum(['all', ...SCOPES]), value: z.string() })) })

interface HaltFlags extends CommonFlags, Partial<Record<(typeof SCOPES)[number], string>> {
  readonly reason?: string
}

export function haltCommand(terminal: Terminal): Command {
  return scoped(command('halt', ''))
    .option('--reason <text>', 'why; operators and agents are told', 'halted from the command line')
    .action((flags: HaltFlags) => halt(flags, terminal))
}

export function resumeCommand(terminal: Terminal): Command {
  return scoped(command('resume', '')).action((flags: HaltFlags) => resume(flags, terminal))
}

function scoped(halting: Command): Command {
  for (const scope of SCOPES) {
    const form = scope === 'recipient' ? 'host or address' : scope
    halting.option(`--${scope} <${form}>`, `only this ${scope}${scope === 'session' ? ' and all below it' : ''}; without any, everything`)
  }
  return halting
}

async function halt(flags: HaltFlags, terminal: Terminal): Promise<void> {
  const what = scopeOf(flags)
  const admin = await connectAdmin(flags, terminal)
  const answer = await admin.post('/v1/halt', { ...what, reason: flags.reason }, AnyAnswer)
  if (flags.json) return printJson(terminal, answer)
  terminal.out.line(`Payments are halted for ${nameOf(what)}. What was signed before still concludes; unpaid requests pass.`)
}

async function resume(flags: HaltFlags, terminal: Terminal): Promise<void> {
  const what = scopeOf(flags)
  const admin = await connectAdmin(flags, terminal)
  const before = await admin.get('/v1/halts', Halts)
  const after = await admin.post('/v1/resume', what, Halts)
  if (flags.json) return printJson(terminal, after)
  const wasHalted = before.items.some(({ scope, value }) => scope === what.scope && value === what.value)
  terminal.out.line(wasHalted ? `The halt for ${nameOf(what)} is lifted.` : `There was no halt for ${nameOf(what)}.`)
  terminal.out.line(after.items.length === 0 ? 'Nothing is halted.' : `Still halted: ${after.items.map(nameOf).join(', ')}.`)
}

interface Scope {
  readonly scope: 'all' | (typeof SCOPES)[number]
  readonly value: string
}

function scopeOf(flags: HaltFlags): Scope {
  const named = SCOPES.flatMap((scope) => (flags[scope] === undefined ? [] : [{ scope, value: flags[scope] }]))
  if (named.length > 1) throw misused('Name one of --agent, --session and --recipient.', 'Run the command once for each.')
  return named[0] ?? { scope: 'all', value: '' }
}

function nameOf({ scope, value }: Scope): string {
  return scope === 'all' ? 'everything' : `${scope} ${value}`
}

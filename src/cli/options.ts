/** What flags look like. A value that cannot be read is wrong usage (exit code 2), said before anything is asked or done. */
import { Command, InvalidArgumentError } from 'commander'
import { AmountError, parseAmount } from '../money.ts'
import { DurationError, parseDuration } from '../session/duration.ts'

/** The flags that every command has. */
export interface CommonFlags {
  readonly json?: true
  readonly config?: string
}

/** A command with the flags that every command has. */
export function command(name: string, summary: string): Command {
  return new Command(name)
    .description(summary)
    .option('--json', 'print one JSON value instead of text')
    .option('--config <file>', 'the configuration; without it PURSER_CONFIG, then ./purser.yaml')
}

/** A group such as `session`, whose commands are words of their own. */
export function group(name: string, commands: readonly Command[]): Command {
  const parent = new Command(name)
  for (const child of commands) parent.addCommand(child)
  return parent
}

/** Keeps the text, once it is known to be an amount such as 5, 0.05 or 10.00. */
export function amountFlag(text: string): string {
  try {
    parseAmount(text)
    return text
  } catch (error) {
    throw new InvalidArgumentError(error instanceof AmountError ? error.message : String(error))
  }
}

/** Keeps the text, once it is known to be a span such as 30s, 10m, 1h or 7d. */
export function durationFlag(text: string): string {
  try {
    parseDuration(text)
    return text
  } catch (error) {
    throw new InvalidArgumentError(error instanceof DurationError ? error.message : String(error))
  }
}

/** What filters say of themselves where "only of this …" would not do. */
const FILTER_HELP: Readonly<Record<string, readonly [value: string, help: string]>> = {
  since: ['time', 'from this time on, e.g. 2026-11-22T09:00:00Z'],
  until: ['time', 'before this time'],
  onBehalfOf: ['name', 'only where the agent named this one in Purser-On-Behalf-Of'],
  trace: ['id', 'only of this W3C trace id, as in traceparent'],
}

/** The filters of a list, each a flag of its own: `onBehalfOf` is `--on-behalf-of`. */
export function addFilters(list: Command, names: readonly string[]): Command {
  for (const name of names) {
    const [value, help] = FILTER_HELP[name] ?? [name, `only of this ${name}`]
    list.option(`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} <${value}>`, help)
  }
  return list
}

export function countFlag(text: string): number {
  if (!/^(0|[1-9][0-9]{0,8})$/.test(text)) throw new InvalidArgumentError('write a whole number')
  return Number(text)
}

/** Collects a flag that may be given several times. */
export function listFlag(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}

/** Collects `name=amount`. The last `=` divides, because a host pattern may hold none but a label may. */
export function amountsFlag(text: string, before: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
  const [name, amount] = divide(text)
  return { ...before, [name]: amountFlag(amount) }
}

/** Collects `name=value`. */
export function labelsFlag(text: string, before: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
  const [name, value] = divide(text)
  return { ...before, [name]: value }
}

function divide(text: string): [string, string] {
  const at = text.lastIndexOf('=')
  if (at < 1) throw new InvalidArgumentError('write it as name=value')
  return [text.slice(0, at), text.slice(at + 1)]
}

/** Collects `amount/span`, e.g. 5.00/10m. */
export function windowsFlag(
  text: string,
  before: readonly { max: string; per: string }[] | undefined,
): readonly { max: string; per: string }[] {
  const [max = '', per = ''] = text.split('/')
  return [...(before ?? []), { max: amountFlag(max), per: durationFlag(per) }]
}

/** `amount/span`, e.g. 0.50/1h. */
export function refillFlag(text: string): { amount: string; every: string } {
  const [amount = '', every = ''] = text.split('/')
  return { amount: amountFlag(amount), every: durationFlag(every) }
}

/** Flags as a query string, absent ones left out: `{ session: 's', limit: 5 }` is `?session=s&limit=5`. */
export function queryOf(values: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value))
  return query.size === 0 ? '' : `?${query}`
}

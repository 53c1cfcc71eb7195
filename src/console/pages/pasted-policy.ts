/** A policy that somebody pastes: a list of tiers, `{ tiers }`, or a whole configuration, in YAML or JSON. */
import { parseDocument } from 'yaml'

export type Pasted =
  | {
      readonly kind: 'policy'
      /** For `POST /v1/policy/check`. */
      readonly check: { readonly tiers: unknown }
      /** For `POST /v1/policy/simulate`: what it does not say stays as it is in force. */
      readonly simulate: Readonly<Record<string, unknown>>
      /** Parts of it that cannot be judged here, for people. */
      readonly left: readonly string[]
    }
  | { readonly kind: 'unreadable'; readonly why: string }

/** Nobody writes a policy of a megabyte by hand, and the server takes no more. */
const MAX_CHARS = 200_000
const RULES = ['mode', 'categories', 'jurisdictions'] as const

export function readPasted(text: string): Pasted {
  if (text.trim() === '') return unreadable('There is nothing yet. Paste tiers or a whole purser.yaml.')
  if (text.length > MAX_CHARS) return unreadable(`This is longer than ${MAX_CHARS} characters.`)
  const content = parsed(text)
  if (content.kind === 'unreadable') return content
  const said = Array.isArray(content.value) ? { tiers: content.value } : content.value
  if (!isMap(said) || said.tiers === undefined) return unreadable('It has no tiers. Paste a list of tiers, or a whole purser.yaml.')
  if (isMap(said.tiers)) return unreadable('Its tiers stand in a file of their own. Paste that file.')
  const { tiers } = said
  return { kind: 'policy', check: { tiers }, simulate: { tiers, ...rulesOf(said) }, left: leftOf(said) }
}

type Parsed = { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'unreadable'; readonly why: string }

function unreadable(why: string) {
  return { kind: 'unreadable', why } as const
}

/** As the configuration is read: no key twice, and no endless aliases. */
function parsed(text: string): Parsed {
  const document = parseDocument(text, { uniqueKeys: true, stringKeys: true, prettyErrors: true })
  const [fault] = [...document.errors, ...document.warnings]
  if (fault) return unreadable(fault.message.trim())
  try {
    return { kind: 'value', value: document.toJS({ maxAliasCount: 100 }) }
  } catch (cause) {
    return unreadable(cause instanceof Error ? cause.message : 'It cannot be read as YAML.')
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function rulesOf(said: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const rules = RULES.flatMap((name) => (said[name] === undefined ? [] : [[name, said[name]] as const]))
  const { verified, blocked } = isMap(said.recipients) ? said.recipients : {}
  const recipients = { ...(verified !== undefined && { verified }), ...(blocked !== undefined && { blocked }) }
  return { ...Object.fromEntries(rules), ...(isMap(said.recipients) && { recipients }) }
}

function leftOf({ recipients }: Readonly<Record<string, unknown>>): string[] {
  const hasFiles = isMap(recipients) && recipients.blockedFiles !== undefined
  return hasFiles ? ['Lists of blocked addresses are files on the server: those in force are used.'] : []
}

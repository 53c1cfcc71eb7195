/**
 * What people are shown, in words: the one list of facts that every channel renders, and the cleaning of text that
 * comes from elsewhere. Nothing here is markup; who writes HTML or Slack blocks escapes what they get.
 */

import { displayAmount, formatAtomic } from '../money.ts'
import { MAX_SHOWN_CHARS, MAX_SHOWN_TEXT_CHARS } from '../people-limits.ts'
import type { Approval, Shown, Vote } from './approval.ts'

/** A terminal's sequences, whole: without their first character the rest would stay as litter. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go
const ANSI = /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]/g
/** Controls, line ends of every kind, and letters that are nothing but a gap: a space each. */
const GAPS = /[\p{Cc}\p{Zl}\p{Zp}\p{Zs}\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0]+/gu
/** What is not seen, or turns what is seen: bidi controls, zero widths, tags, halves of characters, private use. */
const UNSEEN = /[\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu
/** Marks piled up on one letter run over the lines around it. */
const PILES = /(\p{M}{3})\p{M}+/gu

/**
 * Text from outside as a person may see it: one line, one direction, nothing unseen, at most `max` characters.
 * It still is only text: a channel with markup has to escape it.
 */
export function plain(text: string, max: number = MAX_SHOWN_TEXT_CHARS): string {
  // Cut before the work: what a hostile server sends may be long.
  const clean = text
    .slice(0, max * 4)
    .replace(ANSI, '')
    .replace(GAPS, ' ')
    .replace(UNSEEN, '')
    .replace(PILES, '$1')
    .replace(/ {2,}/g, ' ')
    .trim()
  const letters = [...clean]
  return letters.length > max ? `${letters.slice(0, max - 1).join('')}…` : clean
}

/** In the place of a host, where only the recipient's address is known: no such host can exist. */
export const NO_HOST = 'address.invalid'

export interface Fact {
  readonly label: string
  readonly value: string
  /** Whose words they are, where they are not ours. */
  readonly from?: 'agent' | 'server'
}

/** All that a yes or no is about, in the order in which it is read. Values are cleaned. */
export function factsOf({ shown, sessionId, agent, requester, digest, required, votes }: Approval): readonly Fact[] {
  return [
    { label: 'Amount', value: amountLine(shown) },
    { label: 'Recipient', value: plain(shown.payTo) },
    { label: 'Resource', value: resourceLine(shown) },
    { label: 'Host', value: placeShown(shown) },
    { label: 'Network', value: networkLine(shown) },
    { label: 'Asset', value: assetLine(shown) },
    { label: 'Agent', value: plain(`${agent}, session ${sessionId} of ${shown.owner}`) },
    { label: 'Purpose of the session', value: plain(shown.purpose) },
    ...agentFacts(shown),
    { label: 'Tier', value: plain(`${shown.tier} (policy ${shown.policyVersion})`) },
    { label: 'Why you are asked', value: plain(shown.reason, MAX_SHOWN_CHARS) },
    { label: 'Category and trust', value: plain(`${shown.categories.join(', ') || 'none'}; recipient ${shown.trust}`) },
    { label: 'Left of the session', value: leftLine(shown) },
    { label: 'Changed since the last payment there', value: changesLine(shown.changes) },
    ...(requester === undefined ? [] : [{ label: 'Asked ahead by', value: plain(requester, 100) }]),
    ...(required > 1
      ? [{ label: 'Needed', value: `${required} people; ${votes.filter(({ verdict }) => verdict === 'approve').length} said yes so far` }]
      : []),
    ...votes.map(saidBy),
    { label: 'Digest of what will be signed', value: digest },
    ...(shown.untrusted === null
      ? []
      : [{ label: 'The server says (not checked)', value: plain(shown.untrusted), from: 'server' as const }]),
  ]
}

/** The host with its port, where that is not the scheme's own; the recipient's address where no host is known. */
export function placeShown({ url, host, payTo }: Pick<Shown, 'url' | 'host' | 'payTo'>): string {
  const place = URL.canParse(url) ? new URL(url).host : host
  return plain(place === NO_HOST ? payTo : place, 100)
}

/** What is asked ahead of any request names no token yet, only the currency; its URL is a name and no address. */
const isAhead = ({ asset }: Shown) => asset.address === asset.symbol

function resourceLine(shown: Shown): string {
  return isAhead(shown) ? 'not known yet: it is asked ahead of any request' : plain(`${shown.method} ${shown.url}`, MAX_SHOWN_CHARS)
}

function networkLine(shown: Shown): string {
  return plain(isAhead(shown) ? shown.network : `${shown.network} (${shown.rail}, ${shown.scheme}, ${shown.flow})`)
}

function assetLine(shown: Shown): string {
  const { symbol, address } = shown.asset
  return plain(isAhead(shown) ? symbol : `${symbol} at ${address}`)
}

function saidBy({ person, verdict, reason, channel, at }: Vote): Fact {
  const word = verdict === 'approve' ? 'Yes' : 'No'
  return {
    label: `${word} by ${plain(person, 100)}`,
    value: `${plain(reason) || 'no reason given'} (${channel}, ${new Date(at).toISOString()})`,
  }
}

function agentFacts({ justification, tool, task }: Shown): Fact[] {
  const said = [
    ['The agent says (not checked)', justification],
    ['Tool', tool],
    ['Task', task],
  ] as const
  return said.flatMap(([label, value]) => (value === null ? [] : [{ label, value: plain(value), from: 'agent' as const }]))
}

/** "$47.00: 47 USDC (47000000 atomic units)": what counts in the budget, and what leaves the wallet. */
export function amountLine({ amount, currency, amountAtomic, asset }: Shown): string {
  const symbol = plain(asset.symbol, 20)
  return `${displayAmount(amount, currency)}: ${formatAtomic(amountAtomic, asset.decimals)} ${symbol} (${amountAtomic} atomic units)`
}

function leftLine({ remaining, amount, currency }: Shown): string {
  return `${displayAmount(remaining, currency)} before this payment, ${displayAmount(remaining - amount, currency)} after it`
}

function changesLine(changes: readonly string[]): string {
  return changes.length === 0 ? 'nothing that is known' : plain(changes.join(' '), MAX_SHOWN_CHARS)
}

/** One line that says what is wanted of whoever reads it. */
export function headline({ kind, state, agent, shown, window }: Approval): string {
  const what = `${displayAmount(shown.amount, shown.currency)} to ${placeShown(shown)} for ${plain(agent, 100)}`
  if (state !== 'pending') return `${what}: ${state}`
  if (kind === 'approval') return `Approve ${what}?`
  return `${what} will be paid unless you veto it${window ? ` within ${Math.ceil(window.length_ms / 1000)} s` : ''}`
}

/** Escapes for text between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`)
}

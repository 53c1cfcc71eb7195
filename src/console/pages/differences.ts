/** What a simulated policy would change, summed up for people: first how many payments move from where to where. */
import { sumOf } from '../format.ts'
import type { SimulationView } from './shapes.ts'

export type Gate = SimulationView['changes'][number]['before']['decision']

const WORDS: Readonly<Record<Gate, string>> = {
  allow: 'paid at once',
  notify: 'paid after a veto window',
  ask: 'asked about',
  deny: 'refused',
}

export function gateWords(gate: Gate): string {
  return WORDS[gate]
}

/** The order of the gates, from the widest to the narrowest. */
export const GATES: readonly Gate[] = ['allow', 'notify', 'ask', 'deny']

export interface Move {
  readonly from: Gate
  readonly to: Gate
  readonly payments: number
  /** Decimals by currency, exact. */
  readonly amounts: Readonly<Record<string, string>>
  /** More is let through than before. */
  readonly isWider: boolean
}

/** How many of the listed changes go which way, the most first. A change of the tier alone moves nothing. */
export function movesOf(changes: SimulationView['changes']): Move[] {
  const groups = Map.groupBy(changes, ({ before, after }) => `${before.decision} ${after.decision}`)
  const moves = [...groups.values()].flatMap((group): Move[] => {
    const [first] = group
    if (!first || first.before.decision === first.after.decision) return []
    const [from, to] = [first.before.decision, first.after.decision]
    return [{ from, to, payments: group.length, amounts: sums(group), isWider: GATES.indexOf(to) < GATES.indexOf(from) }]
  })
  return moves.sort((one, other) => other.payments - one.payments)
}

function sums(changes: SimulationView['changes']): Record<string, string> {
  const byCurrency = [...Map.groupBy(changes, ({ currency }) => currency)]
  return Object.fromEntries(byCurrency.map(([currency, group]) => [currency, sumOf(group.map(({ amount }) => amount))]))
}
